"""Signing as the person's own git would (gpg.format, user.signingKey), and checking signatures against known keys.

ssh-keygen and gpg do the work; git has no command that signs or checks a text that is not an object yet.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from multigit.errors import MultigitError
from multigit.model.signatures import OPENPGP, address_of, normal_key, ssh_key
from multigit.vcs.run import Output, git_in, program

_PATIENCE: Final = 60.0
"""Seconds: a key on a token may want a touch."""
_WANTED: Final = r"^(gpg\.(format|program|ssh\.program|openpgp\.program)|user\.signingkey)$"
_VALID: Final = re.compile(r"^\[GNUPG:\] VALIDSIG (\S+)(?:.* (\S+))?$", re.MULTILINE)
_SPOILT: Final = re.compile(r"^\[GNUPG:\] (EXPKEYSIG|REVKEYSIG|EXPSIG|BADSIG)", re.MULTILINE)
_NO_KEY: Final = "git config --global gpg.format ssh && git config --global user.signingKey ~/.ssh/id_ed25519.pub"


class SigningError(MultigitError):
    """Nothing can be signed: no key is set, or the program that has it said no."""

    code = "MG-510"


@dataclass(frozen=True, slots=True)
class Signer:
    """How one person signs. `key` as git has it; `public`: the key as repos.yaml would name it."""

    format: Literal["ssh", "openpgp"]
    program: str
    key: str
    public: str

    def sign(self, payload: bytes) -> str:
        """The armored signature of `payload`; SigningError where the key does not answer."""
        out = self._ssh(payload) if self.format == "ssh" else self._openpgp(payload)
        text = out.out.decode("ascii", "replace")
        if out.status or " SIGNATURE-----" not in text:
            why = out.err.strip().splitlines()[-1:] or [f"{self.program} gave no signature"]
            hint = (
                "ssh-add" if self.format == "ssh" else f"gpg --armor --detach-sign --local-user {shlex.quote(self.key)}"
            )
            raise SigningError(
                "nothing was signed", why=why[0], hint=f"{hint}   (unlocks the key, then type the command again)"
            )
        return text

    def _ssh(self, payload: bytes) -> Output:
        with _key_file(self.key) as (path, in_agent):
            argv = [self.program, "-Y", "sign", "-n", "git", "-f", str(path), *(["-U"] if in_agent else [])]
            return _call(argv, payload)

    def _openpgp(self, payload: bytes) -> Output:
        argv = [self.program, "--batch", "--no-tty", "--armor", "--detach-sign", "--local-user", self.key]
        return _call(argv, payload)


def _call(argv: list[str], stdin: bytes) -> Output:
    try:
        return program(argv, cwd=Path(os.sep), stdin=stdin, timeout=_PATIENCE)
    except SigningError:
        raise
    except MultigitError as missing:
        raise SigningError(missing.what, why=missing.why, hint=missing.hint) from missing


def signer(folder: Path) -> Signer:
    """How git would sign in `folder`; SigningError where no key is set or it cannot be found."""
    settings = _settings(folder)
    kind, key = settings.get("gpg.format", "openpgp"), settings.get("user.signingkey", "")
    if kind == "ssh":
        tool = settings.get("gpg.ssh.program", "ssh-keygen")
        return Signer("ssh", tool, key, _ssh_public(tool, key))
    if kind != "openpgp":
        raise SigningError(
            f"signatures of format {kind} are not known here", why="gpg.format is ssh or openpgp", hint=_NO_KEY
        )
    tool = settings.get("gpg.openpgp.program") or settings.get("gpg.program", "gpg")
    return Signer("openpgp", tool, key, _fingerprint(tool, key))


def _settings(folder: Path) -> dict[str, str]:
    out = git_in(folder, "config", "--null", "--get-regexp", _WANTED, check=False).out.decode("utf-8", "replace")
    return {name: value for name, _, value in (entry.partition("\n") for entry in out.split("\0") if entry)}


def _ssh_public(tool: str, key: str) -> str:
    if not key:
        raise SigningError("git has no key to sign with", why="user.signingKey is not set", hint=_NO_KEY)
    if literal := _literal(key):
        return normal_key(literal)
    path = Path(key).expanduser()
    public = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
    if public.is_file():
        return normal_key(public.read_text(encoding="ascii", errors="replace").strip())
    out = _call([tool, "-y", "-P", "", "-f", str(path)], b"")
    if out.status:
        raise SigningError(f"the signing key {key} cannot be read", why=out.err.strip(), hint=_NO_KEY)
    return normal_key(out.out.decode("ascii", "replace").strip())


def _literal(key: str) -> str:
    """A key that is written out in user.signingKey; its private half is in the agent."""
    text = key.removeprefix("key::")
    return text if key.startswith("key::") or text.startswith(("ssh-", "ecdsa-", "sk-")) else ""


@contextmanager
def _key_file(key: str) -> Iterator[tuple[Path, bool]]:
    literal = _literal(key)
    if not literal:
        yield Path(key).expanduser(), False
        return
    with tempfile.TemporaryDirectory(prefix="multigit-") as folder:
        path = Path(folder) / "key.pub"
        path.write_text(literal + "\n", encoding="ascii")
        yield path, True


def _fingerprint(tool: str, key: str) -> str:
    argv = [tool, "--batch", "--with-colons", "--list-secret-keys", *(["--", key] if key else [])]
    out = _call(argv, b"")
    rows = [line.split(":") for line in out.out.decode("utf-8", "replace").splitlines()]
    found = next((row[9] for row in rows if row[0] == "fpr" and len(row) > 9), "")
    if not found:
        raise SigningError(
            "git has no key to sign with", why=f"gpg has no secret key{f' {key}' if key else ''}", hint=_NO_KEY
        )
    return OPENPGP + found


def check(payload: bytes, signature: str, signers: Mapping[str, str]) -> tuple[str, str]:
    """Who of `signers` (address to key) signed `payload`, and '' ; or '' and why the signature does not count."""
    if not signature:
        return "", "it is not signed"
    try:
        return _checked(payload, signature, signers)
    except SigningError as missing:
        return "", f"it cannot be checked: {missing.what}"


def _checked(payload: bytes, signature: str, signers: Mapping[str, str]) -> tuple[str, str]:
    if "SSH SIGNATURE" in signature.partition("\n")[0]:
        return _check_ssh(payload, signature, signers)
    return _check_openpgp(payload, signature, signers)


def _check_ssh(payload: bytes, signature: str, signers: Mapping[str, str]) -> tuple[str, str]:
    key = ssh_key(signature)
    address = address_of(key, signers) if key else ""
    if not address:
        return "", f"it is signed with a key that is not listed ({key[:40] or 'unreadable'}…)"
    with _written(f'signer namespaces="git" {key}\n', signature) as (allowed, file):
        argv = ["ssh-keygen", "-Y", "verify", "-n", "git", "-I", "signer", "-f", str(allowed), "-s", str(file)]
        out = _call(argv, payload)
    return ("", "the signature does not fit: it was changed after it was signed") if out.status else (address, "")


def _check_openpgp(payload: bytes, signature: str, signers: Mapping[str, str]) -> tuple[str, str]:
    with _written("", signature) as (_, file):
        argv = ["gpg", "--batch", "--no-tty", "--status-fd", "1", "--verify", str(file), "-"]
        out = _call(argv, payload)
    text = out.out.decode("utf-8", "replace")
    if "[GNUPG:] NO_PUBKEY" in text:
        return "", "gpg does not have the public key it is signed with (gpg --import)"
    found = _VALID.search(text)
    if not found or _SPOILT.search(text):
        return "", "the signature does not fit, or its key has expired or was revoked"
    names = (OPENPGP + fingerprint for fingerprint in found.groups() if fingerprint)
    address = next((address for name in names if (address := address_of(name, signers))), "")
    return (address, "") if address else ("", f"it is signed with a key that is not listed ({found[1]})")


@contextmanager
def _written(allowed: str, signature: str) -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory(prefix="multigit-") as folder:
        files = Path(folder) / "allowed", Path(folder) / "signature"
        for file, text in zip(files, (allowed, signature), strict=True):
            file.write_text(text, encoding="ascii", errors="replace")
        yield files
