"""Signatures where git keeps them: at the end of a tag, in a header of a commit. Pure: nothing is checked here.

What is signed is the object without its signature (git: Documentation/gitformat-signature). The key of an ssh signature
is read from its own envelope (openssh: PROTOCOL.sshsig), so that one look says whose it claims to be.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from typing import Final

OPENPGP: Final = "openpgp:"
"""Before the fingerprint of an OpenPGP key, where an ssh key would stand."""

_ARMOR: Final = re.compile(rb"^-----BEGIN (?:SSH|PGP) SIGNATURE-----$", re.MULTILINE)
_HEADERS: Final = {40: b"gpgsig", 64: b"gpgsig-sha256"}
_SSH: Final = re.compile(r"((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+) +([A-Za-z0-9+/]+={0,2})(?: .*)?")
_FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


def of_tag(body: bytes) -> tuple[bytes, str]:
    """What was signed, and the signature; '' where there is none."""
    starts = [found.start() for found in _ARMOR.finditer(body)]
    if not starts:
        return body, ""
    return body[: starts[-1]], body[starts[-1] :].decode("ascii", "replace")


def of_commit(body: bytes) -> tuple[bytes, str]:
    """The same of a commit."""
    head, gap, message = body.partition(b"\n\n")
    kept: list[bytes] = []
    found: list[bytes] = []
    inside = False
    for line in head.split(b"\n"):
        starts = line.split(b" ", 1)[0] in _HEADERS.values()
        inside = starts or (inside and line.startswith(b" "))
        (found if inside else kept).append(line.partition(b" ")[2] if starts else line[1:] if inside else line)
    return b"\n".join(kept) + gap + message, b"\n".join(found).decode("ascii", "replace")


def into_commit(body: bytes, signature: str) -> bytes:
    """The commit with its signature; `body` as it was signed. Git puts the header after the committer."""
    if not signature:
        return body
    head, gap, message = body.partition(b"\n\n")
    tree = re.match(rb"tree ([0-9a-f]+)", head)
    name = _HEADERS[len(tree[1]) if tree else 40]
    lines = signature.strip("\n").encode().replace(b"\n", b"\n ")
    return head + b"\n" + name + b" " + lines + gap + message


def key_problem(text: str) -> str:
    """Why `text` is no key that signatures can be checked with, or ''."""
    if text.startswith(OPENPGP):
        return "" if _FINGERPRINT.fullmatch(_bare(text)) else "an OpenPGP key is named by its whole fingerprint"
    found = _SSH.fullmatch(text)
    if not found:
        return f'write "ssh-ed25519 AAAA…" (the .pub file\'s line) or "{OPENPGP}<fingerprint>"'
    return "" if _blob_type(found[2]) == found[1] else "the key was cut short: copy the whole line of the .pub file"


def normal_key(text: str) -> str:
    """A key without its comment; fingerprints in capitals without spaces."""
    if text.startswith(OPENPGP):
        return OPENPGP + _bare(text)
    found = _SSH.fullmatch(text)
    return f"{found[1]} {found[2]}" if found else text


def _bare(text: str) -> str:
    return re.sub(r"\s", "", text.removeprefix(OPENPGP)).upper()


def ssh_key(signature: str) -> str:
    """The public key that an ssh signature says it was made with; '' where it is no ssh signature."""
    lines = signature.strip().splitlines()
    if not lines or "SSH SIGNATURE" not in lines[0]:
        return ""
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
        size = struct.unpack_from(">I", blob, 10)[0]  # after the magic word SSHSIG and the version
    except (binascii.Error, struct.error):
        return ""
    key = base64.b64encode(blob[14 : 14 + size]).decode()
    kind = _blob_type(key)
    return f"{kind} {key}" if blob.startswith(b"SSHSIG") and kind else ""


def _blob_type(key: str) -> str:
    """The kind of a key, which is the first of its fields (RFC 4253, 6.6); '' where they do not end as they should."""
    try:
        blob, fields = base64.b64decode(key, validate=True), []
        while blob:
            size = struct.unpack_from(">I", blob)[0]
            if size > len(blob) - 4:
                return ""
            fields.append(blob[4 : 4 + size])
            blob = blob[4 + size :]
    except (binascii.Error, struct.error):
        return ""
    return fields[0].decode("ascii", "replace") if len(fields) > 1 else ""


def address_of(key: str, signers: Mapping[str, str]) -> str:
    """Whose `key` (ssh line or `openpgp:` fingerprint) is; '' = nobody's."""
    wanted = normal_key(key)
    return next((address for address, known in signers.items() if normal_key(known) == wanted), "")
