"""What a site's files are sent with: their type, how long they may be cached, and which are pages. Not a target."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

FOREVER: Final = "public, max-age=31536000, immutable"
ASK_FIRST: Final = "no-cache"
"""May be kept, but is asked for anew each time (RFC 9111, 5.2.2.4)."""
_TYPES: Final = {
    ".avif": "image/avif", ".cjs": "text/javascript", ".eot": "application/vnd.ms-fontobject",
    ".gz": "application/gzip",
    ".ico": "image/x-icon", ".js": "text/javascript", ".json": "application/json", ".map": "application/json",
    ".md": "text/markdown", ".mjs": "text/javascript", ".mp4": "video/mp4", ".otf": "font/otf", ".svg": "image/svg+xml",
    ".ttf": "font/ttf", ".txt": "text/plain", ".wasm": "application/wasm", ".webm": "video/webm",
    ".webmanifest": "application/manifest+json", ".webp": "image/webp", ".woff": "font/woff", ".woff2": "font/woff2",
    ".xml": "application/xml",
}  # fmt: skip
_LETTERS: Final = frozenset({"application/json", "application/manifest+json", "application/xml", "image/svg+xml"})
"""Text, besides text/*."""
_WORKERS: Final = re.compile(r"(?:.*[-_.])?(?:sw|service-?worker|ngsw-worker)\.m?js")
_MANIFESTS: Final = re.compile(r"(?:.*[-_.])?manifest\.json|.*\.webmanifest|ngsw\.json")
_HASH: Final = re.compile(r"[A-Za-z0-9_]{8,64}")
_HEX: Final = re.compile(r"(?=.*[0-9])(?=.*[a-f])[0-9a-f]{8,64}")
_HUMPS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|_")
_WORDLIKE: Final = 2.5
"""Letters per hump from which a name is taken for words: `MyCompany` has 4.5, `BqV5f9aX` 1.1."""


def content_type(path: str) -> str:
    """The same on every machine: the system's own table is not asked."""
    ending = "." + path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""
    kind = _TYPES.get(ending) or _table().types_map[True].get(ending) or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind in _LETTERS else kind


def cache_control(path: str, wishes: Mapping[str, str]) -> str:
    """The first wish whose pattern fits; otherwise for ever where the name has a hash of the content."""
    for pattern, wish in wishes.items():
        if fnmatchcase(path, pattern):
            return wish
    return FOREVER if is_hashed(path) else ASK_FIRST


def is_hashed(path: str) -> bool:
    """Whether the name holds a hash, as bundlers write it: `app.3f9a1c2b.js`, `index-BqV5f9aX.js`. Pages never."""
    if is_page(path):
        return False
    words = re.split(r"[.-]", path.rpartition("/")[2])[1:-1]
    vite = re.search(r"-([A-Za-z0-9_-]{8})\.[A-Za-z0-9.]+$", path)  # its base64url may have a hyphen in it
    return any(_is_hash(word) for word in (*words, *(vite.groups() if vite else ())))


def _is_hash(word: str) -> bool:
    if _HEX.fullmatch(word):
        return True
    if not _HASH.fullmatch(word.replace("-", "_")) or word.isdigit():
        return False
    mixed = any(c.isupper() for c in word) and any(c.islower() for c in word)
    return mixed and len(word) / len(_HUMPS.findall(word.replace("-", "_"))) < _WORDLIKE


def is_page(path: str) -> bool:
    """Pages, service workers and manifests: what a browser asks for by a name that stays, and what names the rest."""
    name = path.rpartition("/")[2].lower()
    return name.endswith((".html", ".htm")) or bool(_WORKERS.fullmatch(name) or _MANIFESTS.fullmatch(name))


@cache
def _table() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()
