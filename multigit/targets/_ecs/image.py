"""Which image of ECR a release means, and what runs, both by digest. Not a target."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from multigit.clients import asked, code_of
from multigit.cloud import ecr
from multigit.errors import MultigitError
from multigit.model.image import Image, image
from multigit.model.target import Release
from multigit.model.template import render
from multigit.targets import Clients

MISSING: Final = "MG-830"
GONE: Final = "MG-840"
"""The repository of images itself is not there."""
_HOST: Final = re.compile(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.]+")
_HEX: Final = re.compile(r"[0-9a-f]{7,}")


class Settings(Protocol):
    """The settings that say where the image is."""

    @property
    def ecr(self) -> str: ...
    @property
    def image_tag(self) -> str: ...
    @property
    def architectures(self) -> tuple[str, ...]: ...
    @property
    def region(self) -> str: ...
    @property
    def role(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository of ECR; '' for the account and the region that this machine's settings name."""

    name: str
    registry: str = ""
    region: str = ""
    uri: str = ""
    """With its host, where that is known."""


def problem(written: str) -> str:
    """What is wrong with `ecr` of repos.yaml; ''. Templates are judged once they are filled in."""
    if "{" in written or not written:
        return ""
    read = image(written)
    if read.digest or ":" in written.rpartition("/")[2]:
        return f"{written!r} has a tag or a digest: write it without, the tag is `image_tag`"
    host = written.partition("/")[0]
    if "/" in written and ("." in host or ":" in host) and not _HOST.fullmatch(host):
        return f"{written!r} is no repository of ECR: write its name, or 123456789012.dkr.ecr.REGION.amazonaws.com/NAME"
    return ""


def repository(name: str, region: str = "") -> Repository | None:
    """The repository in ECR that `name`, of repos.yaml or of an image, means; None: it is another registry's."""
    host, _, rest = name.partition("/")
    if found := _HOST.fullmatch(host):
        return Repository(name=rest, registry=found[1], region=found[2], uri=name)
    return None if "." in host or ":" in host else Repository(name=name, region=region)


def tag_of(settings: Settings, release: Release) -> str:
    """The tag that the build gave the image of `release`. MultigitError where the template cannot be filled."""
    words = {"sha": str(release.commit), "env": str(release.env), "repo": str(release.repo),
             "tag": str(release.tag or ""), "branch": str(release.branch or "")}  # fmt: skip
    try:
        tag = render(settings.image_tag, words)
    except ValueError as error:
        raise MultigitError("image_tag cannot be filled in", why=str(error), hint="multigit config check") from None
    if not tag:
        raise MultigitError("image_tag is empty here", why=f"{settings.image_tag!r}, and this release has none")
    return tag


def resolved(settings: Settings, release: Release, clients: Clients) -> Image:
    """The image of `release`, whole, by its digest. MultigitError: it is not there, or not for every processor."""
    tag = tag_of(settings, release)
    where = repository(settings.ecr, settings.region)
    assert where is not None, "Settings were checked"
    client = clients.aws("ecr", region=where.region, role=settings.role)
    with asked(f"{where.name}:{tag}: ECR was not asked"):
        try:
            found = ecr.found(client, where.name, where.registry, {"imageTag": tag})
        except ecr.Missing as missing:
            problem = _missing(client, where, tag, str(missing))
            problem.code = GONE if isinstance(missing, ecr.NoRepository) else MISSING
            raise problem from None
        if lacks := ecr.incomplete(client, where.name, where.registry, found, settings.architectures):
            raise MultigitError(f"{where.name}:{tag} is not whole", why=lacks, code=MISSING,
                                state="nothing was changed", hint="build and push it for every processor")  # fmt: skip
        uri = where.uri or _uri(client, where)
    return Image(repository=uri, tag=tag, digest=str(found["imageId"]["imageDigest"]))


def is_there(name: str, settings: Settings, clients: Clients) -> None:
    """MultigitError where ECR has lost the image `repository@sha256:…`; other registries are not asked."""
    wanted = image(name)
    where = repository(wanted.repository, settings.region)
    if where is None or not where.registry or not wanted.digest:
        return
    client = clients.aws("ecr", region=where.region, role=settings.role)
    with asked(f"{wanted}: ECR was not asked"):
        try:
            ecr.found(client, where.name, where.registry, {"imageDigest": wanted.digest})
        except ecr.Missing as missing:
            raise MultigitError(f"the recorded image {wanted} is gone from ECR", why=str(missing), code=MISSING,
                                state="nothing was changed",
                                hint="release the commit again, which builds it again") from None  # fmt: skip


def pinned(name: str, task_digests: Sequence[str], settings: Settings, clients: Clients) -> str:
    """The image `name` of a task definition by its digest; as it is where nobody knows it.

    What its tasks pulled comes first: a tag may have been moved since.
    """
    written = image(name)
    if written.digest:
        return f"{written.repository}@{written.digest}"
    if len(set(task_digests)) == 1:
        return f"{written.repository}@{task_digests[0]}"
    where = repository(written.repository, settings.region)
    if where is None or not where.registry or task_digests:
        return name
    client = clients.aws("ecr", region=where.region, role=settings.role)
    try:
        found = ecr.found(client, where.name, where.registry, {"imageTag": written.tag})
    except ecr.Missing:
        return name
    return f"{written.repository}@{found['imageId']['imageDigest']}"


def names_commit(names: Sequence[str], settings: Settings, release: Release, clients: Clients) -> bool:
    """Whether one of the images is tagged as `release`'s: by `image_tag`, or by digits that begin its commit."""
    wanted = tag_of(settings, release)
    for name in names:
        for tag in _tags(image(name), settings, clients):
            if tag == wanted or any(str(release.commit).startswith(digits) for digits in _HEX.findall(tag)):
                return True
    return False


def _tags(written: Image, settings: Settings, clients: Clients) -> Sequence[str]:
    if not written.digest:
        return [written.tag]
    where = repository(written.repository, settings.region)
    if where is None or not where.registry:
        return [written.tag] if written.tag else []
    client = clients.aws("ecr", region=where.region, role=settings.role)
    return ecr.tags_of(client, where.name, where.registry, written.digest)


def _uri(client: Any, where: Repository) -> str:
    (found,) = client.describe_repositories(repositoryNames=[where.name])["repositories"]
    return str(found["repositoryUri"])


def _missing(client: Any, where: Repository, tag: str, why: str) -> MultigitError:
    """What is there instead, as far as it may be seen: this only helps."""
    try:
        there = ecr.newest(client, where.name, where.registry)
    except Exception as error:
        if not code_of(error):
            raise
        there = []
    known = f"; pushed last: {', '.join(there)}" if there else ""
    return MultigitError(f"the image {where.name}:{tag} is not in ECR", code=MISSING, state="nothing was changed",
                         why=f"{why}: the build has not pushed it{known}",
                         hint="look at the build; when it has pushed the image, the same command again")  # fmt: skip


def images_of(definition: Mapping[str, Any]) -> dict[str, str]:
    """Container and image, as written in a task definition."""
    return {one["name"]: one["image"] for one in definition["containerDefinitions"]}
