"""Brings a recorded release back: every file is found in the bucket before anything is changed. Not a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from multigit.errors import MultigitError
from multigit.targets._s3.bring import Origin
from multigit.targets._s3.manifest import KEPT, Entry, Manifest, from_json, manifest_path
from multigit.targets._s3.place import Place
from multigit.targets._s3.seen import Seen


def manifest(place: Place, release: str) -> Manifest | None:
    """Of a release; None where it is no longer kept."""
    text = place.get(manifest_path(release))
    return None if text is None else from_json(text, place.url(manifest_path(release)))


def files(place: Place, seen: Seen, root: str) -> tuple[Mapping[str, Entry], Mapping[str, Origin]]:
    """The files of a release, and where each lies now. MultigitError names what is missing."""
    known = [one for one in seen.manifests.values() if one.root == root]
    if not known:
        raise MultigitError(f"the release {root} is no longer kept in {place.url('')}", code="MG-839",
                            why="it is older than those that `keep` in repos.yaml keeps, or was removed",
                            hint="deploy its commit anew", state="nothing was changed")  # fmt: skip
    was = known[0]
    found = {path: _lies(seen, path, was, known) for path in was.files}
    missing = [path for path, origin in found.items() if not origin]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise MultigitError(f"{len(missing)} of {len(found)} files of the release {root} are gone", code="MG-839",
                            why=", ".join(missing[:5]) + more, hint="deploy its commit anew",
                            state="nothing was changed")  # fmt: skip
    return {path: replace(one, again=False) for path, one in was.files.items()}, found


def _lies(seen: Seen, path: str, was: Manifest, known: list[Manifest]) -> str:
    """Under its own name, or copied aside; '' where it is neither."""
    if any(seen.is_at(path, one) for one in known):
        return path
    aside = KEPT + was.files[path].sha256
    return aside if aside in seen.objects else ""
