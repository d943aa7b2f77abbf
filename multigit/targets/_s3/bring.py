"""Brings a release's files into the bucket: what it refers to first, pages then, the index last. Not a target."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from multigit.errors import MultigitError
from multigit.lanes import each
from multigit.targets._s3.files import WHOLE
from multigit.targets._s3.headers import is_page
from multigit.targets._s3.manifest import KEPT, Manifest, to_json, with_etags
from multigit.targets._s3.place import Object, Place, changed
from multigit.targets._s3.seen import Seen

LANES: Final = 16
"""Calls at once."""
_EVERY: Final = 1.0
"""Seconds between two lines of progress."""
Origin = Path | str
"""Where a file's bytes come from: a file here, or another object of the bucket."""


@dataclass(slots=True)
class Bringing:
    """One release on its way. After the first failure nothing more is begun."""

    place: Place
    seen: Seen
    manifest: Manifest
    origins: Mapping[str, Origin]
    kept: Sequence[Manifest]
    """Whose files must stay to be had."""
    say: Callable[[str], None]
    todo: list[str] = field(default_factory=list)
    etags: dict[str, str] = field(default_factory=dict)
    copied: set[str] = field(default_factory=set)
    stopped: bool = False
    lock: Lock = field(default_factory=Lock)
    said: float = 0.0

    def bring(self) -> Manifest:
        """All of it, up to the index. The manifest, knowing what S3 called the files."""
        self.said = time.monotonic()
        files, index = self.manifest.files, self.manifest.index
        self.todo = [path for path, one in files.items() if path != index and not self.seen.has(path, one)]
        try:
            for pages in (False, True):
                each(self._one, [path for path in self.todo if is_page(path) is pages], LANES)
        except MultigitError as problem:
            problem.state = problem.state or self._state()
            raise
        if self.todo:
            self.say(self._progress())
        known = with_etags(self.manifest, self.etags)
        if known.etags != self.manifest.etags:
            self.place.note(known.path, to_json(known))
        return known

    def switch(self, marker: Mapping[str, str]) -> None:
        """Put the index, which makes the release serve; only if nobody else has put one since we looked."""
        path, head = self.manifest.index, self.seen.head
        if (
            head is not None
            and head.release == self.manifest.release
            and self.seen.has(path, self.manifest.files[path])
        ):
            return
        self._keep(path)
        entry, body = self.manifest.files[path], self._body(path)
        match = {"IfMatch": head.etag} if head else {"IfNoneMatch": "*"}
        try:
            self.place.put(path, body, entry, Metadata=dict(marker), **match)
        except MultigitError as problem:
            now = self.place.head(path)  # an answer that was lost lets our own second try fail
            if now is None or now.release != self.manifest.release:
                problem.state = problem.state or self._state()
                raise

    def _one(self, path: str) -> None:
        if self.stopped:
            return
        try:
            self._keep(path)
            self.etags[path] = self._send(path)
        except BaseException:
            self.stopped = True
            raise
        self._tell()

    def _keep(self, path: str) -> None:
        """What a kept release has under this name is copied aside before it is replaced."""
        owner = next((one for one in self.kept if self.seen.is_at(path, one)), None)
        if owner is None or owner.files[path].sha256 == self.manifest.files[path].sha256:
            return
        aside = KEPT + owner.files[path].sha256
        if aside not in self.seen.objects:
            etag = self.place.copy(path, aside)
            self.seen.objects[aside] = Object(etag, owner.files[path].size, self.seen.objects[path].modified)

    def _send(self, path: str) -> str:
        entry, origin = self.manifest.files[path], self.origins[path]
        if isinstance(origin, str):
            return self.place.copy(origin, path, entry)
        if entry.size > WHOLE:
            return self.place.send_parts(path, origin, entry, LANES // 4)
        return self.place.put(path, self._body(path), entry)

    def _body(self, path: str) -> bytes:
        import hashlib

        origin = self.origins[path]
        try:
            body = origin.read_bytes() if isinstance(origin, Path) else self.place.get(origin)
        except OSError:
            body = None
        if body is None or hashlib.sha256(body).hexdigest() != self.manifest.files[path].sha256:
            raise changed(path)
        return body

    def _tell(self) -> None:
        with self.lock:
            now = time.monotonic()
            if now - self.said >= _EVERY:
                self.said = now
                self.say(self._progress())

    def _progress(self) -> str:
        size = sum(self.manifest.files[path].size for path in self.todo)
        done = sum(self.manifest.files[path].size for path in tuple(self.etags))
        word = "copying" if any(isinstance(self.origins[path], str) for path in self.todo) else "uploading"
        return f"{word} {len(self.etags)} of {_files(len(self.todo))}, {_size(done)} of {_size(size)}"

    def _state(self) -> str:
        """What has changed, for an error."""
        serves = "the release before still serves" if self.seen.head else "nothing serves yet"
        return f"{len(self.etags)} of {_files(len(self.todo))} were uploaded; {serves}"


def _files(many: int) -> str:
    return f"{many} {'file' if many == 1 else 'files'}"


def _size(many: int) -> str:
    return f"{many / 1e6:.0f} MB" if many >= 1e7 else f"{many / 1e6:.1f} MB" if many >= 1e5 else f"{many / 1e3:.1f} kB"
