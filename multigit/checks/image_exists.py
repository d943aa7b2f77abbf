"""Asks ECR whether an image is there, for every processor it will run on.

    has-image: {kind: image-exists, repository: gli-api, tag: "{tag}", architectures: [amd64, arm64]}

An index that names a processor whose image was never pushed, or is gone, is not there either: half of the tasks would
fail to start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from multigit.clients import asked, aws
from multigit.cloud import ecr
from multigit.model.config import STRICT
from multigit.model.image import Image, wanted
from multigit.model.serving import Serving
from multigit.model.verdict import Verdict

ASKS: Final = "serving"
TEMPLATES: Final = ("repository", "tag", "digest", "region")


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
    client = aws("ecr", region=settings.region or None)
    with asked(f"{name}: ECR was not asked"):
        try:
            image = ecr.found(client, settings.repository, settings.registry, _id(settings))
        except ecr.Missing as missing:
            return Verdict(state="fail", why=f"{name}: {missing}")
        digest = image["imageId"]["imageDigest"]
        wrong = _wrong(client, settings, image)
    if wrong:
        return Verdict(state="fail", why=f"{name} is {digest[:19]}, {wrong}")
    for_all = f", for {' and '.join(settings.architectures)}" if settings.architectures else ""
    return Verdict(state="pass", why=f"{name} is there: {digest}{for_all}")


def _id(settings: Settings) -> dict[str, str]:
    tag = {"imageTag": settings.tag} if settings.tag else {}
    return {**tag, **({"imageDigest": settings.digest} if settings.digest else {})}


def _wrong(client: Any, settings: Settings, image: Any) -> str:
    """What is not as it should be with an image that is there."""
    if settings.digest and image["imageId"]["imageDigest"] != settings.digest:
        return f"not {settings.digest[:19]}"
    return ecr.incomplete(client, settings.repository, settings.registry, image, settings.architectures)
