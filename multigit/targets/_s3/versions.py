"""Goes back to what a versioned bucket held at a moment, where somebody else uploaded the release. Not a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from multigit.clients import asked
from multigit.errors import MultigitError
from multigit.lanes import each
from multigit.targets._s3.headers import is_page
from multigit.targets._s3.manifest import OWN
from multigit.targets._s3.place import Place

_LANES: Final = 16


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one object, or the mark of its removal."""

    version: str
    etag: str
    modified: datetime
    latest: bool
    removed: bool


def restore(place: Place, index: str, wanted: Mapping[str, Any], moment: str, marker: Mapping[str, str]) -> int:
    """Every object as it was at `moment`, those that came later left alone; the index last, by its version.

    How many were copied. MultigitError where the index's version is gone, before anything is changed.
    """
    found = _versions(place)
    page = next((one for one in found.get(index, ()) if one.version == wanted.get("version") and not one.removed), None)
    if page is None:
        raise MultigitError(f"{place.url(index)} has no version {wanted.get('version') or 'recorded'} any more",
                            why="it was removed, or versions are kept for a shorter time", code="MG-836",
                            state="nothing was changed")  # fmt: skip
    todo = {path: one for path, one in _then(found, datetime.fromisoformat(moment)).items() if path != index}
    for pages in (False, True):
        each(lambda path: place.copy(path, path, version=todo[path].version),
             [path for path in todo if is_page(path) is pages], _LANES)  # fmt: skip
    _switch(place, index, page.version, marker)
    return len(todo) + 1


def _versions(place: Place) -> dict[str, list[Version]]:
    """By path, the newest first, as S3 lists them."""
    found: dict[str, list[Version]] = {}
    with asked(f"versions of s3://{place.bucket}/{place.prefix} cannot be listed"):
        for page in place.s3.get_paginator("list_object_versions").paginate(**place.words()):
            for kind in ("Versions", "DeleteMarkers"):
                for one in page.get(kind, ()):
                    found.setdefault(one["Key"][len(place.prefix) :], []).append(
                        Version(one["VersionId"], one.get("ETag", "").strip('"'), one["LastModified"],
                                one["IsLatest"], kind == "DeleteMarkers"))  # fmt: skip
    return {path: versions for path, versions in found.items() if not path.startswith(OWN)}


def _then(found: Mapping[str, list[Version]], moment: datetime) -> dict[str, Version]:
    """What was there at `moment` and is not what is there now."""
    then: dict[str, Version] = {}
    for path, versions in found.items():
        past = [one for one in versions if one.modified <= moment]
        now = next((one for one in versions if one.latest), None)
        was = max(past, key=lambda one: one.modified) if past else None
        if was and not was.removed and (now is None or now.removed or now.etag != was.etag):
            then[path] = was
    return then


def _switch(place: Place, index: str, version: str, marker: Mapping[str, str]) -> None:
    """The index as it was, now saying which release it stands for."""
    with asked(f"{place.url(index)} cannot be copied back"):
        words = {"Bucket": place.bucket, "Key": place.prefix + index}
        owned = {key: value for key, value in place.words().items() if key == "ExpectedBucketOwner"}
        was = place.s3.head_object(**words, VersionId=version, **owned)
        kept = {name: was[name] for name in ("CacheControl", "ContentType", "ContentEncoding", "ContentLanguage")
                if name in was}  # fmt: skip
        metadata = {name: text for name, text in was.get("Metadata", {}).items() if name != "commit"}
        place.s3.copy_object(
            **words, **kept, **owned, CopySource={**words, "VersionId": version}, MetadataDirective="REPLACE",
            Metadata={**metadata, **marker},
            **({"ExpectedSourceBucketOwner": owned["ExpectedBucketOwner"]} if owned else {}),
        )  # fmt: skip
