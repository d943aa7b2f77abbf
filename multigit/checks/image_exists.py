"""Asks ECR whether an image is there, for every processor it will run on.

    has-image: {kind: image-exists, repository: "gli-api-{long}", tag: "{tag}", architectures: [amd64, arm64]}

An index that names a processor whose image was never pushed, or is gone, is not there either: half of the tasks would
fail to start.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from multigit.checks._image import Image, wanted
from multigit.clients import asked, aws, code_of
from multigit.model.config import STRICT
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict

ASKS: Final = "serving"
TEMPLATES: Final = ("repository", "tag", "digest", "region")
_INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_KINDS: Final = (  # without all four, an image that is there looks as if it were not
    *_INDEXES,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this check: `kind: image-exists`."""

    __pydantic_config__ = STRICT
    repository: str
    """Name of the ECR repository; a template."""
    tag: str = ""
    """Tag that must be there; a template."""
    digest: str = ""
    """Digest that must be there, instead of a tag; with one, the tag must stand for it. A template."""
    architectures: tuple[str, ...] = ()
    """Processors that an index must have an image for: `amd64`, `arm64`, `linux/arm/v7`. Any when left out."""
    registry: str = ""
    """Account of the registry; the own one when left out."""
    region: str = ""
    """Region; the one of this machine's settings when left out. A template."""

    def __post_init__(self) -> None:
        if not self.repository:
            raise ValueError("repository must not be empty")
        if not self.tag and not self.digest:
            raise ValueError("tag or digest is missing")
        if self.digest and "{" not in self.digest and wanted(self.digest) != Image(digest=self.digest):
            raise ValueError(f"{self.digest!r} is no digest: sha256: and 64 digits")


def evaluate(settings: Settings, subject: Serving, clients: object = None) -> Verdict:  # noqa: ARG001
    """Pass where the image is there, whole; the reason holds its digest."""
    name = settings.repository + (f":{settings.tag}" if settings.tag else f"@{settings.digest[:19]}")
    ecr = aws("ecr", region=settings.region or None)
    with asked(f"{name}: ECR was not asked"):
        try:
            (found,) = _images(ecr, settings, [_id(settings)])
            wrong = _wrong(ecr, settings, found)
        except _Missing as missing:
            return Verdict(state="fail", why=f"{name}: {missing}")
    digest = found["imageId"]["imageDigest"]
    if wrong:
        return Verdict(state="fail", why=f"{name} is {digest[:19]}, {wrong}")
    for_all = f", for {' and '.join(settings.architectures)}" if settings.architectures else ""
    return Verdict(state="pass", why=f"{name} is there: {digest}{for_all}")


class _Missing(Exception):
    """An image or a repository is not there; the text says which."""


def _id(settings: Settings) -> dict[str, str]:
    tag = {"imageTag": settings.tag} if settings.tag else {}
    return {**tag, **({"imageDigest": settings.digest} if settings.digest else {})}


def _images(ecr: Any, settings: Settings, which: list[dict[str, str]]) -> list[Mapping[str, Any]]:
    """Each of `which`, or _Missing."""
    account = {"registryId": settings.registry} if settings.registry else {}
    try:
        said = ecr.batch_get_image(repositoryName=settings.repository, imageIds=which, acceptedMediaTypes=[*_KINDS],
                                   **account)  # fmt: skip
    except Exception as error:
        if code_of(error) == "RepositoryNotFoundException":
            raise _Missing(f"there is no repository {settings.repository}") from None
        raise
    if said.get("failures"):
        failure = said["failures"][0]
        raise _Missing(" ".join(str(failure.get("failureReason") or failure["failureCode"]).split()))
    if not said["images"]:
        raise _Missing("ECR knows no such image")
    return list(said["images"][: len(which)])


def _wrong(ecr: Any, settings: Settings, found: Mapping[str, Any]) -> str:
    """What is not as it should be with an image that is there."""
    if settings.digest and found["imageId"]["imageDigest"] != settings.digest:
        return f"not {settings.digest[:19]}"
    if not settings.architectures:
        return ""
    manifest = json.loads(found["imageManifest"])
    if (found.get("imageManifestMediaType") or manifest.get("mediaType")) not in _INDEXES:
        return "a single image that does not say for which processor: architectures needs an index"
    parts = dict(_parts(manifest))
    lacking = [one for one in settings.architectures if _platform(one) not in parts]
    if lacking:
        return f"and has nothing for {' and '.join(lacking)}"
    digests = {parts[_platform(one)]: one for one in settings.architectures}
    gone = [digests[digest] for digest in digests if not _is_there(ecr, settings, digest)]
    return f"and what it names for {' and '.join(gone)} is not there" if gone else ""


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


def _is_there(ecr: Any, settings: Settings, digest: str) -> bool:
    try:
        return bool(_images(ecr, settings, [{"imageDigest": digest}]))
    except _Missing:
        return False
