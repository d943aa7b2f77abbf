"""Images in ECR: whether one is there, and whole. The client is given; AWS's errors come through as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from multigit.clients import code_of

_INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_KINDS: Final = (  # without all four, an image that is there looks as if it were not
    *_INDEXES,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class Missing(Exception):
    """An image or a repository is not there; the text says which."""


class NoRepository(Missing):
    """There is no such repository, so that nothing can ever be pushed there."""


def found(ecr: Any, repository: str, registry: str, wanted: Mapping[str, str]) -> Mapping[str, Any]:
    """The image with this `imageTag` or `imageDigest` (or both), or Missing. `registry`: account; '' = the own one."""
    try:
        said = ecr.batch_get_image(repositoryName=repository, imageIds=[dict(wanted)], acceptedMediaTypes=[*_KINDS],
                                   **_of(registry))  # fmt: skip
    except Exception as error:
        if code_of(error) == "RepositoryNotFoundException":
            raise NoRepository(f"there is no repository {repository}") from None
        raise
    if said.get("failures"):
        failure = said["failures"][0]
        raise Missing(" ".join(str(failure.get("failureReason") or failure["failureCode"]).split()))
    if not said["images"]:
        raise Missing("ECR knows no such image")
    image: Mapping[str, Any] = said["images"][0]
    return image


def incomplete(ecr: Any, repository: str, registry: str, image: Mapping[str, Any], architectures: Sequence[str]) -> str:
    """What an image that was `found` lacks for these processors; '' where it is whole."""
    if not architectures:
        return ""
    manifest = json.loads(image["imageManifest"])
    if (image.get("imageManifestMediaType") or manifest.get("mediaType")) not in _INDEXES:
        return "a single image that does not say for which processor: architectures needs an index"
    parts = dict(_parts(manifest))
    lacking = [one for one in architectures if _platform(one) not in parts]
    if lacking:
        return f"and has nothing for {' and '.join(lacking)}"
    digests = {parts[_platform(one)]: one for one in architectures}
    gone = [digests[digest] for digest in digests if not _is_there(ecr, repository, registry, digest)]
    return f"and what it names for {' and '.join(gone)} is not there" if gone else ""


def newest(ecr: Any, repository: str, registry: str, most: int = 3) -> list[str]:
    """The tags of the images that were pushed last, the newest first."""
    pages = ecr.get_paginator("describe_images").paginate(
        repositoryName=repository, filter={"tagStatus": "TAGGED"}, **_of(registry)
    )
    images = [image for page in pages for image in page["imageDetails"] if image.get("imageTags")]
    images.sort(key=lambda image: image["imagePushedAt"], reverse=True)
    return [tag for image in images for tag in image["imageTags"]][:most]


def tags_of(ecr: Any, repository: str, registry: str, digest: str) -> list[str]:
    """The tags that stand for `digest` now; none where ECR does not know it."""
    try:
        said = ecr.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}], **_of(registry))
    except Exception as error:
        if code_of(error) in ("ImageNotFoundException", "RepositoryNotFoundException"):
            return []
        raise
    return [tag for image in said["imageDetails"] for tag in image.get("imageTags", ())]


def _of(registry: str) -> dict[str, str]:
    return {"registryId": registry} if registry else {}


def _parts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Platform and digest of every image in an index."""
    for part in manifest.get("manifests", ()):
        platform = part.get("platform", {})
        named = [str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key)]
        yield "/".join(named), str(part["digest"])
        if len(named) == 3 and named[1:] == ["arm64", "v8"]:  # the only variant there is, often left out
            yield "/".join(named[:2]), str(part["digest"])


def _platform(word: str) -> str:
    return word if "/" in word else f"linux/{word}"


def _is_there(ecr: Any, repository: str, registry: str, digest: str) -> bool:
    try:
        return bool(found(ecr, repository, registry, {"imageDigest": digest}))
    except Missing:
        return False
