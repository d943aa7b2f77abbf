"""Signed releases: what this operator signs, and whether what others signed counts (docs/signing.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from multigit.app.session import Session
from multigit.lanes import each
from multigit.model.attest import BINDING, env_of, release_of, signed_since, tag_doubt
from multigit.model.config import Environment, Repo
from multigit.model.drift import Door, Drift
from multigit.model.events import History, Run, fold
from multigit.model.fleet import TagSeen
from multigit.model.names import EnvName, RepoName, Tag
from multigit.model.objects import parse_tag
from multigit.model.past import Past, expected_tags
from multigit.model.plan import Plan
from multigit.model.record import Event
from multigit.model.signatures import address_of, of_commit
from multigit.vcs import read
from multigit.vcs.signing import check


def allowed(session: Session, addresses: tuple[str, ...]) -> dict[str, str]:
    """Address to key of those `addresses`."""
    return {address: session.config.signing.signers[address] for address in addresses}


def by(session: Session, plan: Plan) -> str:
    """Address the operator signs `plan` with; '' where its environment asks for no signature."""
    env = session.config.target(plan.target)
    return address_of(session.signer.public, session.config.signing.signers) if env and env.signers else ""


def tags(session: Session, plan: Plan) -> dict[RepoName, str]:
    """Signatures of the plan's release tags; {} where its environment asks for none."""
    env = session.config.target(plan.target)
    if env is None or not env.signers:
        return {}
    made = plan.tags()
    signed = each(lambda tag: session.signer.sign(tag.body()), made.values(), session.jobs)
    return dict(zip(made, signed, strict=True))


def doubt(session: Session, past: Past, env: Environment, repo: RepoName, tag: Tag, raw: bytes,
          seen: TagSeen) -> str:  # fmt: skip
    """Why a tag must not be gone back to; '' where it may.

    What was released before signatures were asked for, or where none are, is vouched for by the ledger, whose head is
    pinned. Where none are asked for, tags older than the ledger are taken as they are.
    """
    run = release_of(past.history, tag)
    if run is None:
        return "the ledger knows no release of that tag" if env.signers else ""
    if run.signatures and env.signers:
        try:
            found = parse_tag(raw)
        except ValueError:
            return "it is no annotated tag"
        _, why = check(found.payload, found.signature, allowed(session, env.signers))
        why = why or tag_doubt(found, ref=tag, commit=seen.commit, repo=repo, env=env.name, now=session.now())
        if why:
            return why
    elif env.signers and _late(past.history, env, run):
        return "its release was not signed, although those before it were"
    expected = expected_tags(past, repo).get(tag)
    return "" if expected and seen.oid == expected.oid else "it is not the tag that was released there"


def _late(history: History, env: Environment, run: Run) -> bool:
    """Whether signed releases came before this unsigned one."""
    since = signed_since(history, env.name)
    began = [number for number, event in enumerate(history.events) if (event.kind, event.run) == ("begin", run.id)]
    return since is not None and bool(began) and began[0] > since


def drifts(session: Session, past: Past, envs: Sequence[Environment], repos: Sequence[Repo]) -> Iterator[Drift]:
    """For `verify`: records without a signature that counts, and the newest signed release of each environment."""
    home = session.config.home.name
    mirror = session.mirror(session.config.home)
    door = Door(str(mirror.path), mirror.url)
    names = {env.name for env in envs}
    for event, env, why in unsigned_records(session, past.history):
        if env.name in names and event.oid:
            what = f"record {event.oid.short} ({event.kind}) is not signed for {env.name}"
            yield Drift(repo=home, kind="signature", what=what, why=why, fix=door.git("show", event.oid))
    for env in envs:
        run = next((run for run, plan in past.newest_first() if plan.target == env.name and run.signatures), None)
        if run and run.tag and env.signers:
            yield from _tag_drifts(session, past, env, run.tag, [repo.name for repo in repos])


def _tag_drifts(session: Session, past: Past, env: Environment, tag: Tag, repos: Sequence[RepoName]) -> Iterator[Drift]:
    made = {repo: found for repo in repos if (found := expected_tags(past, repo).get(tag))}
    known = allowed(session, env.signers)
    said = each(lambda new: check(replace(new, signature="").body(), new.signature, known), made.values(), session.jobs)
    for repo, (_, why) in zip(made, said, strict=True):
        if why:
            yield Drift(repo=repo, kind="signature", what=f"{tag} is not signed for {env.name}", why=why,
                        fix=f"multigit show {tag}")  # fmt: skip


def doubted(session: Session, run: Run, plan: Plan) -> str:
    """Why an open run must not be resumed, where releases of its environment are signed; '' where it may.

    Who can write to the host can write a `begin`: it counts when one of the signers signed it, and every tag of it.
    """
    env = session.config.target(plan.target)
    if env is None or not env.signers:
        return ""
    begun = [event for event in session.ledger.history.events if (event.kind, event.run) == ("begin", run.id)]
    unsigned = [why for event in begun if (why := _why(session)((event, env)))]
    if unsigned:
        return f"its beginning is not signed for {env.name}: {unsigned[0]}"
    known = allowed(session, env.signers)
    for repo, tag in plan.tags().items():
        _, why = check(tag.body(), run.signatures.get(repo, ""), known)
        if why:
            return f"its tag for {repo} is not signed for {env.name}: {why}"
    return ""


def without_unsigned_lifts(session: Session, history: History) -> History:
    """The history in which no hold or quarantine of a signed environment ended without a signer's word."""
    if not any(env.signers for env in session.config.environments.values()):
        return history
    lifting = [event for event in history.events if event.kind == "lift" or event.data.get("lifts")]
    bad = {event.oid for event, _, _ in unsigned_records(session, history, lifting)} if lifting else set()
    if not bad:
        return history
    kept = [_without_lifts(event) if event.oid in bad else event for event in history.events]
    return replace(history, holds=fold(event for event in kept if event is not None).holds)


def _without_lifts(event: Event) -> Event | None:
    return None if event.kind == "lift" else replace(event, data={**event.data, "lifts": ()})


def unsigned_records(
    session: Session, history: History, among: Sequence[Event] | None = None
) -> list[tuple[Event, Environment, str]]:
    """Records that must be signed by one of their environment's signers and are not, each with the reason.

    They must from the first signed release of the environment on: an earlier one was made before it was asked for.
    """
    due: list[tuple[Event, Environment]] = []
    since = {env.name: signed_since(history, env.name) for env in session.config.environments.values() if env.signers}
    for number, event in enumerate(history.events):
        name = env_of(event, history)
        env = session.config.environments[EnvName(name)] if name in since else None
        start = since[env.name] if env else None
        wanted = among is None or event in among
        if env and start is not None and number >= start and event.kind in BINDING and event.oid and wanted:
            due.append((event, env))
    said = each(_why(session), due, session.jobs)
    return [(event, env, why) for (event, env), why in zip(due, said, strict=True) if why]


def _why(session: Session) -> Callable[[tuple[Event, Environment]], str]:
    home = session.mirror(session.config.home)

    def why(due: tuple[Event, Environment]) -> str:
        event, env = due
        assert event.oid is not None
        payload, signature = of_commit(read.read_object(home, event.oid))
        return check(payload, signature, allowed(session, env.signers))[1]

    return why
