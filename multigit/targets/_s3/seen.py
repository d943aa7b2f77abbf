"""What is in the bucket, and what that means: which releases are kept, what is there already. Not a target."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from multigit.lanes import each
from multigit.model.target import Release
from multigit.targets._s3.headers import ASK_FIRST, FOREVER
from multigit.targets._s3.manifest import (
    KEPT,
    RELEASES,
    TICKETS,
    Entry,
    Manifest,
    from_json,
    manifest_path,
    release_id,
    ticket_path,
)
from multigit.targets._s3.place import Head, Object, Place

_AFRESH: Final = timedelta(days=1)
"""For so long a release that never came to serve may still be on its way."""
_LONG: Final = 50
"""Earlier releases that a manifest names."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. `objects` is kept up to date with the copies that are made."""

    objects: dict[str, Object]
    head: Head | None
    manifests: dict[str, Manifest]
    own: str = ""
    """Id of the release that is to be brought: of it, a manifest may be there from an earlier try."""

    @property
    def live(self) -> Manifest | None:
        """What serves; None where multigit did not bring it, or its manifest is lost."""
        return self.manifests.get(self.head.release) if self.head else None

    def history(self) -> tuple[tuple[str, str], ...]:
        """Id and root of what served, the last first, each root once. Where nobody knows what serves: by time."""
        live = self.live
        if live is not None:
            return _once([(live.release, live.root), *live.before])
        others = [one for one in self.manifests if one != self.own]
        by_time = sorted(others, key=lambda one: self.objects[manifest_path(one)].modified, reverse=True)
        return _once([(one, self.manifests[one].root) for one in by_time])

    def kept(self, many: int) -> list[Manifest]:
        """The last `many` that served, as far as they are still known."""
        return [self.manifests[one] for one, _ in self.history()[:many] if one in self.manifests]

    def loose(self) -> list[Manifest]:
        """Those that never came to serve: begun and given up, or still on their way. Of unknown ones only ours."""
        served = {one for one, _ in self.history()}
        return [one for name, one in self.manifests.items() if name not in served]

    def has(self, path: str, entry: Entry) -> bool:
        """Whether `path` has this content and is known to have been sent with the same."""
        there = self.objects.get(path)
        if there is None:
            return False
        sure, last = False, self._last_with(path)
        for said in (*([last] if last else ()), *self.loose()):
            other = said.files.get(path)
            if other is None or other.sha256 != entry.sha256:
                continue
            if not other.is_sent_like(entry):
                return False
            sure = sure or (said.names(path, there.etag) and (said is last or not other.again))
        return sure

    def _last_with(self, path: str) -> Manifest | None:
        """Which of the releases that served was the last to put this name; None where others served meanwhile."""
        served = (self.manifests.get(one) for one, _ in self.history()) if self.live else ()
        return next((one for one in served if one is not None and path in one.files), None)

    def is_at(self, path: str, manifest: Manifest) -> bool:
        """Whether what lies at `path` is what that release has there."""
        there = self.objects.get(path)
        if there is None:
            return False
        serves = path == manifest.index and self.head is not None and self.head.release == manifest.release
        return serves or manifest.names(path, there.etag)


def look(place: Place, index: str, own: str, lanes: int) -> Seen:
    """One question for the index, one for each thousand objects, one for each release that is kept."""
    head = place.head(index)
    objects = place.look()
    names = [path[len(RELEASES) : -5] for path in objects if path.startswith(RELEASES) and path.endswith(".json")]
    found = each(lambda name: _read(place, name), names, lanes)
    return Seen(objects, head, {name: one for name, one in zip(names, found, strict=True) if one}, own)


def _read(place: Place, name: str) -> Manifest | None:
    text = place.get(manifest_path(name))
    return None if text is None else from_json(text, place.url(manifest_path(name)))


def declared(seen: Seen, release: Release, files: Mapping[str, Entry], index: str, root: str = "") -> Manifest:
    """The release as it should be. An earlier try's, where it wanted the same: what that one found then is in it."""
    name = release_id(release)
    settled = {path: _settled(seen, path, one) for path, one in files.items()}
    fresh = Manifest(
        release=name, root=root or name, commit=release.commit, tag=release.tag or "", deployment=release.deployment,
        step=release.step, index=index, files=settled,
        before=tuple(pair for pair in seen.history() if pair[1] != (root or name) and pair[0] != name)[:_LONG],
    )  # fmt: skip
    earlier = seen.manifests.get(name)
    if earlier is not None and (earlier.tree, earlier.index) == (fresh.tree, index):
        return earlier
    again = {path: replace(one, again=_is_unknown(seen, path, one)) for path, one in settled.items()}
    return replace(fresh, files=again)


def _settled(seen: Seen, path: str, entry: Entry) -> Entry:
    """A name that had other content in a release that is kept holds no hash, whatever it looks like."""
    others = (one.files[path] for one in seen.manifests.values() if path in one.files)
    if entry.cache == FOREVER and any(other.sha256 != entry.sha256 for other in others):
        return replace(entry, cache=ASK_FIRST)
    return entry


def _is_unknown(seen: Seen, path: str, entry: Entry) -> bool:
    there = seen.objects.get(path)
    return there is not None and there.etag == entry.etag and not seen.has(path, entry)


def left_over(seen: Seen, manifest: Manifest, keep: int, now: datetime | None = None) -> tuple[list[str], list[str]]:
    """What may go once `manifest` serves: files and copies of no kept release, and then their records.

    Only objects that a manifest names, by path and ETag: what others put there stays.
    """
    kept = {manifest.release, *(one for one, _ in manifest.before[: keep - 1])}
    young = (now or datetime.now(UTC)) - _AFRESH
    served = {manifest.release, *(one for one, _ in manifest.before)}
    kept |= {one for one in seen.manifests if one not in served and seen.objects[manifest_path(one)].modified > young}
    needed = [manifest, *(seen.manifests[one] for one in kept if one in seen.manifests and one != manifest.release)]
    gone = [one for name, one in seen.manifests.items() if name not in kept]
    files = sorted({*_orphans(seen, gone, needed), *_copies(seen, needed)})
    notes = [path for one in gone for path in (ticket_path(one.release), one.path) if path in seen.objects]
    lost = [path for path in seen.objects if path.startswith(TICKETS) and path[len(TICKETS) : -5] not in seen.manifests]
    return files, [*notes, *(path for path in lost if path != ticket_path(manifest.release))]


def _orphans(seen: Seen, gone: Collection[Manifest], needed: Collection[Manifest]) -> Iterator[str]:
    paths = {path for one in needed for path in one.files}
    for one in gone:
        yield from (path for path in one.files if path not in paths and seen.is_at(path, one))


def _copies(seen: Seen, needed: Collection[Manifest]) -> Iterator[str]:
    sums = {entry.sha256 for one in needed for entry in one.files.values()}
    return (path for path in seen.objects if path.startswith(KEPT) and path[len(KEPT) :] not in sums)


def _once(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Each root once, the newest of it."""
    found: dict[str, str] = {}
    for one, root in pairs:
        found.setdefault(root, one)
    return tuple((one, root) for root, one in found.items())
