"""Container images by name: `host/team/api:tag`, `api@sha256:…`, or only what comes last. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A name of an image; '' for what it does not say."""

    repository: str = ""
    """With its host, where it is named."""
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        """Short: `api@sha256:0123456789ab`, the host left out."""
        named = self.repository.rpartition("/")[2] or "…"
        return f"{named}@{self.digest[:19]}" if self.digest else f"{named}:{self.tag or 'latest'}"

    def is_meant_by(self, wanted: Image) -> bool:
        """Whether this one, written in full, is what `wanted` asks for; what it leaves out may be anything."""
        at_home = not wanted.repository or f"/{self.repository}".endswith(f"/{wanted.repository}")
        same_tag = not wanted.tag or bool(wanted.digest) or self.tag == wanted.tag
        return at_home and same_tag and (not wanted.digest or self.digest == wanted.digest)


def image(name: str) -> Image:
    """An image as it is written in full, in a task definition for example: without a tag it is `latest`."""
    rest, _, digest = name.partition("@")
    folder, slash, last = rest.rpartition("/")  # a colon before the last slash is a port
    last, _, tag = last.partition(":")
    return Image(repository=folder + slash + last, tag=tag or ("" if digest else "latest"), digest=digest)


def wanted(name: str) -> Image:
    """The same of what repos.yaml asks for, where a tag or a digest may stand alone; ValueError where it is no name."""
    if not name or not name.isprintable() or " " in name:
        raise ValueError(f"{name!r} is no name of an image")
    if name.startswith("sha256:"):
        return Image(digest=_checked(name))
    if not set(name) & set("/:@"):
        return Image(tag=name)
    found = image(name)
    if found.digest:
        _checked(found.digest)
    elif ":" not in name.rpartition("/")[2]:
        raise ValueError(f"{name!r} says neither which tag nor which digest")
    return found


def _checked(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is no digest: sha256: and 64 digits")
    return digest
