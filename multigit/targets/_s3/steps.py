"""What a deployment of a site does, in order; each way ends with the index in its place. Not a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multigit.errors import MultigitError
from multigit.model.target import Release
from multigit.targets._s3 import cdn as _s3cdn
from multigit.targets._s3 import files as _s3files
from multigit.targets._s3 import recorded as _s3recorded
from multigit.targets._s3 import versions as _s3versions
from multigit.targets._s3.bring import LANES, Bringing, Origin
from multigit.targets._s3.manifest import Entry, Manifest, release_id, to_json
from multigit.targets._s3.place import Place
from multigit.targets._s3.seen import declared, left_over, look

Files = tuple[Mapping[str, Entry], Mapping[str, Origin]]
"""The files of a release, and where their bytes are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What serves now."""

    paths: tuple[str, ...]
    """Those whose cached answers may be old."""
    digest: str
    """The same for the same content."""
    left: str = ""
    """What could not be tidied up, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A built site on this machine."""

    folder: Path
    cache: Mapping[str, str]
    build: str = ""
    """Text that the index must hold."""


def bring(
    place: Place, index: str, keep: int, release: Release, folder: Folder | None, say: Callable[[str], None]
) -> Brought:
    """A release that was recorded, or what lies in `folder`."""
    root = str(release.artefact.get("release", ""))
    seen = look(place, index, release_id(release), LANES)
    files, origins = built(folder, index, say) if folder else _s3recorded.files(place, seen, root)
    manifest = declared(seen, release, files, index, root)
    if seen.manifests.get(manifest.release) is not manifest:
        place.note(manifest.path, to_json(manifest))
        seen.manifests[manifest.release] = manifest
    bringing = Bringing(place, seen, manifest, origins, seen.kept(keep), say)
    manifest = bringing.bring()
    bringing.switch(marker(release, manifest.root))
    before = next((seen.manifests[one] for one, _ in manifest.before if one in seen.manifests), None)
    paths = _s3cdn.stale(manifest, before, place.prefix)
    return Brought(paths=paths, digest=manifest.tree, left=_tidied(bringing, manifest, keep))


def _tidied(bringing: Bringing, manifest: Manifest, keep: int) -> str:
    """Remove what no kept release uses; it serves either way, so what cannot be removed is only told."""
    try:
        for some in left_over(bringing.seen, manifest, keep):
            bringing.place.remove(some)
    except MultigitError as problem:
        return f"{problem.what}: {problem.why}" if problem.why else problem.what
    return ""


def built(folder: Folder, index: str, say: Callable[[str], None]) -> Files:
    """The folder, read. MultigitError where it is no site, or another build than the one that is asked for."""
    found = _s3files.built(folder.folder, index, folder.cache, LANES)
    if folder.build and folder.build.encode() not in found.places[index].read_bytes():
        raise MultigitError(f"{folder.folder / index} does not hold {folder.build}", why="it is another build",
                            hint="build the commit that is deployed", state="nothing was uploaded",
                            code="MG-830")  # fmt: skip
    if odd := found.decomposed:
        say(f"{len(odd)} names are written as macOS writes them (NFD), {odd[0]} first: "
            "links find them only where they are written so, too")  # fmt: skip
    return found.files, found.places


def as_it_was(place: Place, index: str, release: Release, say: Callable[[str], None]) -> Brought:
    """What somebody else uploaded, from the bucket's versions."""
    wanted: Mapping[str, Any] = release.artefact
    moment = str(wanted.get("moment", ""))
    many = _s3versions.restore(place, index, wanted.get("index", {}), moment, marker(release, release_id(release)))
    say("1 file is as it was" if many == 1 else f"{many} files are as they were")
    return Brought(paths=("/*",), digest="versions")


def marker(release: Release, root: str) -> Mapping[str, str]:
    """What the index in the bucket says of itself."""
    return {"multigit-release": release_id(release), "multigit-root": root, "multigit-commit": release.commit}
