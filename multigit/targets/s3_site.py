"""Brings a built site to an S3 bucket and has CloudFront ask anew; a release never serves half of itself (G12).

    deploy: {prod: {s3-site: {bucket: "gli-user-frontend-{long}", cdn: "{site}", source: dist}}}

Everything that pages refer to goes first, pages then, the index last and only if nobody put another meanwhile. Nothing
is removed that one of the last `keep` releases uses. docs/targets.md says what lies in the bucket and which rights are
needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final

from multigit.errors import MultigitError
from multigit.model.config import STRICT
from multigit.model.target import Artefact, Deployed, Progress, Release, Ticket
from multigit.targets import Clients
from multigit.targets._s3 import cdn as _s3cdn
from multigit.targets._s3 import recorded as _s3recorded
from multigit.targets._s3 import steps as _s3steps
from multigit.targets._s3.manifest import manifest_path, release_id, ticket_path, tree
from multigit.targets._s3.place import Head, Place

TEMPLATES: Final = ("bucket", "cdn", "source", "prefix", "build", "region", "role")
_AGAIN: Final = 10.0
"""Seconds: an invalidation takes one or a few minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What repos.yaml says about this target: `s3-site`."""

    __pydantic_config__ = STRICT
    bucket: str
    """Name of the bucket; a template."""
    cdn: str = ""
    """CloudFront distribution in front of it, by id, domain or alias; none when left out. A template."""
    source: str = ""
    """Folder with the built site, relative to the repository's clone. Left out: the workflow uploads. A template."""
    index: str = "index.html"
    """The page that makes a release serve: it is put last."""
    build: str = ""
    """Text that the index must hold, such as `{sha:8}`: an older build is refused. A template."""
    keep: int = 5
    """Releases of which all files stay, the one that serves included."""
    prefix: str = ""
    """Folder in the bucket; all of it when left out. A template."""
    cache: Mapping[str, str] = field(default_factory=dict)
    """Cache-Control by pattern (`*` also crosses slashes), the first that fits. Otherwise: a year for names with a hash
    in them, `no-cache` for all others."""
    account: str = ""
    """Account that must own the bucket."""
    region: str = ""
    """Region; the one of this machine's settings when left out. A template."""
    role: str = ""
    """ARN of a role that is taken first; a template."""

    def __post_init__(self) -> None:
        if not self.bucket or not self.index:
            raise ValueError("bucket and index must not be empty")
        if not 2 <= self.keep <= 50:
            raise ValueError("keep must be 2 to 50: browsers and caches still hold the release before")
        if self.account and not (self.account.isdigit() and len(self.account) == 12):
            raise ValueError(f"{self.account!r} is no account: twelve digits")
        if any(not wish.isascii() or not wish.isprintable() or not wish for wish in self.cache.values()):
            raise ValueError("a Cache-Control is printable ASCII, such as no-cache")


def current(settings: Settings, release: Release, clients: Clients) -> Deployed:
    """By what the index in the bucket says of itself; `here` once its caches were emptied, too."""
    place = _place(settings, clients)
    head = place.head(settings.index)
    if head is None:
        place.check()
        return Deployed(state="other", what=f"{place.url(settings.index)}: there is none yet")
    what, artefact = _told(place, settings.index, head), _artefact(place, head)
    if head.release == release_id(release):
        return _own(settings, place, head, clients, what, artefact)
    is_here = _is_meant(settings, place, head, release, clients)
    return Deployed(state="here" if is_here else "other", what=what, artefact=artefact)


def deploy(settings: Settings, release: Release, clients: Clients) -> Ticket:
    """Bring it. Whatever an earlier try brought is not sent again, and is not asked for one by one."""
    place = _place(settings, clients)
    wanted = release.artefact
    if wanted and (wanted.get("bucket"), wanted.get("prefix", "")) != (place.bucket, place.prefix):
        raise MultigitError(f"the release was recorded of s3://{wanted.get('bucket')}/{wanted.get('prefix', '')}, "
                            f"this is {place.url('')}", code="MG-837", state="nothing was changed")  # fmt: skip
    if not wanted and not settings.source:
        raise MultigitError(
            f"{place.url(settings.index)} was not uploaded by the workflow", code="MG-838", state="nothing was changed",
            why="it neither names this commit nor is it newer than this deployment, and repos.yaml names no `source`",
            hint="let the workflow upload before it ends, or name the built folder: source: dist",
        )  # fmt: skip
    cloudfront = clients.aws("cloudfront", settings.region, settings.role) if settings.cdn else None
    distribution = _s3cdn.found(cloudfront, settings.cdn) if settings.cdn else ""
    if wanted and not wanted.get("release"):
        brought = _s3steps.as_it_was(place, settings.index, release, clients.say)
    else:
        folder = None if wanted else _folder(settings, clients)
        brought = _s3steps.bring(place, settings.index, settings.keep, release, folder, clients.say)
    ticket: dict[str, Any] = {
        "bucket": place.bucket, "prefix": place.prefix, "index": settings.index, "release": release_id(release),
        "distribution": distribution, "invalidation": "", "left": brought.left,
    }  # fmt: skip
    if distribution:
        clients.say(f"emptying the caches of {settings.cdn}: {', '.join(brought.paths)}")
        reference = f"{release.token}/{brought.digest[:12]}"  # what was built anew must be asked for anew
        ticket["invalidation"] = _s3cdn.empty(cloudfront, distribution, brought.paths, reference)
    place.note(ticket_path(ticket["release"]), json.dumps(ticket).encode())
    return ticket


def poll(settings: Settings, ticket: Ticket, clients: Clients) -> Progress:
    """Ok once CloudFront has asked everywhere anew, and the index is still that of the release."""
    place, distribution = _place(settings, clients), str(ticket["distribution"])
    link = f"https://console.aws.amazon.com/cloudfront/v4/home#/distributions/{distribution}/invalidations"
    if not _is_emptied(settings, ticket, clients):
        why = f"CloudFront {distribution} has not emptied all caches yet (invalidation {ticket['invalidation']})"
        return Progress(state="running", why=why, retry_after=_AGAIN, link=link)
    head = place.head(str(ticket["index"]))
    if head is None or head.release != ticket["release"]:
        there = "is gone" if head is None else f"is of another release: {_told(place, str(ticket['index']), head)}"
        return Progress(state="failed", why=f"{place.url(str(ticket['index']))} {there}")
    left = f"; {ticket['left']}" if ticket.get("left") else ""
    told = f"{_told(place, str(ticket['index']), head)} serves{', caches are empty' if distribution else ''}{left}"
    return Progress(state="ok", why=told, artefact=_artefact(place, head))


def _place(settings: Settings, clients: Clients) -> Place:
    prefix = settings.prefix.strip("/")
    s3 = clients.aws("s3", settings.region, settings.role)
    return Place(s3, settings.bucket, f"{prefix}/" if prefix else "", settings.account)


def _own(settings: Settings, place: Place, head: Head, clients: Clients, what: str, artefact: Artefact) -> Deployed:
    """Of the release that is asked for: its deployment may still have something to do."""
    note = place.get(ticket_path(head.release))
    if note is None:
        return Deployed(state="other", what=f"{what}; its deployment was not finished", artefact=artefact)
    ticket = json.loads(note)
    if _is_emptied(settings, ticket, clients):
        return Deployed(state="here", what=what, artefact=artefact)
    return Deployed(state="arriving", what=what, artefact=artefact, ticket=ticket)


def _is_emptied(settings: Settings, ticket: Ticket, clients: Clients) -> bool:
    if not ticket["invalidation"]:
        return True
    cloudfront = clients.aws("cloudfront", settings.region, settings.role)
    return _s3cdn.status(cloudfront, str(ticket["distribution"]), str(ticket["invalidation"])) == _s3cdn.DONE


def _is_meant(settings: Settings, place: Place, head: Head, release: Release, clients: Clients) -> bool:
    """Whether what another deployment, or the workflow, put there is what is asked for."""
    if wanted := release.artefact:
        recorded = wanted.get("release")
        return bool(head.root == recorded if recorded else head.version == wanted.get("index", {}).get("version"))
    if head.release and place.get(ticket_path(head.release)) is None:
        return False
    if not settings.source:
        return head.commit == release.commit or (
            not head.commit and head.modified >= release.since.astimezone(UTC).replace(microsecond=0)
        )
    if head.commit != release.commit or not head.release:
        return False
    manifest = _s3recorded.manifest(place, head.release)
    if manifest is None or not (clients.clone / settings.source).is_dir():
        return manifest is not None
    return manifest.tree == tree(_s3steps.built(_folder(settings, clients), settings.index, clients.say)[0])


def _folder(settings: Settings, clients: Clients) -> _s3steps.Folder:
    return _s3steps.Folder(folder=clients.clone / settings.source, cache=settings.cache, build=settings.build)


def _artefact(place: Place, head: Head) -> Artefact:
    """What brings back what serves: its manifest, or the versions of a moment; nothing where there are neither."""
    index = {"etag": head.etag, "version": head.version}
    found: dict[str, Any] = {"bucket": place.bucket, "prefix": place.prefix, "index": index}
    if head.root:
        return {**found, "release": head.root, "manifest": place.prefix + manifest_path(head.release)}
    return {**found, "moment": head.now.isoformat()} if head.version not in ("", "null") else {}


def _told(place: Place, index: str, head: Head) -> str:
    """For people: what the index says of itself."""
    commit = f"commit {head.commit[:12]}" if head.commit else "not brought by multigit"
    return f"{place.url(index)}, {commit}, since {head.modified.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
