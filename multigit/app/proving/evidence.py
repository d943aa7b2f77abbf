"""What `verify` looks at in one repository: its fence, the tags that are not as expected, and its branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from multigit.app.session import Session
from multigit.apply.objects import parcels
from multigit.errors import MultigitError
from multigit.model.config import Environment, Repo
from multigit.model.drift import Door, HeadSeen, Held
from multigit.model.fleet import RepoState
from multigit.model.names import Branch, EnvName, Oid, Tag
from multigit.model.objects import NewTag, TagObject, parse_tag
from multigit.model.past import (
    FenceSaid,
    Left,
    Past,
    expected_fence,
    expected_head,
    expected_tags,
    fence_said,
    restored,
)
from multigit.tagschemes import matching
from multigit.vcs import read, write
from multigit.vcs.attic import small_commits
from multigit.vcs.mirror import Mirror, fetch, present

_KEPT = "refs/multigit/verify/"
_AT_ONCE = 1_000
"""Objects asked for in one fetch: each is an argument of it."""
Relation = Literal["same", "ahead", "behind", "elsewhere"]


def held(session: Session, past: Past, envs: Sequence[Environment], repo: Repo, state: RepoState) -> Held:
    """Read what there is to compare in `repo`, about the environments `envs`."""
    mirror = session.mirror(repo)
    wanted = _wanted(session, past, envs, repo)
    looked = _to_look_at(envs, state, wanted)
    if state.fence:  # under a name of its own: it may have to be put back one day
        fetch(mirror, {f"{_KEPT}fence/{state.fence}": state.fence})
    _bring_tags(mirror, [state.tags[tag].oid for tag in looked])
    objects = read.objects(mirror, [oid for oid in [state.fence, *(state.tags[tag].oid for tag in looked)] if oid])
    fence = fence_said(*objects[state.fence]) if state.fence in objects else None
    heads = tuple(_heads(session, mirror, past, envs, repo, state))
    return Held(
        state=state,
        door=Door(git_dir=str(mirror.path), url=mirror.url),
        fence=fence,
        fence_back=_fence_back(mirror, expected_fence(past, repo.name), fence),
        wanted=wanted,
        tags={tag: _parsed(objects.get(state.tags[tag].oid)) for tag in looked},
        heads=heads,
        here=_made(mirror, state, wanted) | frozenset(present(mirror, [seen.left.oid for seen in heads])),
    )


def _tried(mirror: Mirror, name: str, oid: Oid) -> bool:
    """Whether `oid` can be had, from the host or from what we have; the host may have lost it."""
    try:
        fetch(mirror, {f"{_KEPT}{name}": oid})
    except MultigitError:
        return read.exists(mirror, oid)
    return True


# --- tags ------------------------------------------------------------------------------------------------------


def _wanted(session: Session, past: Past, envs: Sequence[Environment], repo: Repo) -> dict[Tag, NewTag]:
    """Those of the environments that are asked about, as far as their names are among those that are read."""
    names = {env.name for env in envs}
    starts = tuple(env.tag.partition("{")[0] for env in session.config.environments.values() if env.tag)
    targets = {plan.tag: plan.target for plan in past.plans.values()}
    known = expected_tags(past, repo.name).items()
    return {tag: new for tag, new in known if targets.get(tag) in names and tag.startswith(starts)}


def _bring_tags(mirror: Mirror, oids: Sequence[Oid]) -> None:
    """Get tag objects; those that came once stay, although no ref holds them: nothing is pruned in a mirror."""
    absent = sorted(set(oids) - present(mirror, oids))
    for start in range(0, len(absent), _AT_ONCE):
        some = enumerate(absent[start : start + _AT_ONCE])
        fetch(mirror, {f"{_KEPT}tags/{number}": oid for number, oid in some})


def _to_look_at(envs: Sequence[Environment], state: RepoState, wanted: Mapping[Tag, NewTag]) -> list[Tag]:
    """Tags with a release's name that are not the object a release made."""
    named = {tag for env in envs if env.tag for tag in matching(env.tag, state.tags.keys())}
    return sorted(t for t in named | (wanted.keys() & state.tags.keys()) if _unlike(state, t, wanted.get(t)))


def _unlike(state: RepoState, tag: Tag, wanted: NewTag | None) -> bool:
    return wanted is None or state.tags[tag].oid != wanted.oid


def _parsed(found: tuple[str, bytes] | None) -> TagObject | None:
    if found is None or found[0] != "tag":
        return None
    try:
        return parse_tag(found[1])
    except ValueError:
        return None


def _made(mirror: Mirror, state: RepoState, wanted: Mapping[Tag, NewTag]) -> frozenset[Oid]:
    """Make the tag objects that have to be put back; those whose commit is nowhere any more are left out."""
    lost = [new for tag, new in wanted.items() if tag not in state.tags or _unlike(state, tag, new)]
    whole = [new for number, new in enumerate(lost) if _tried(mirror, f"commits/{number}", new.commit)]
    return frozenset(write.write_object(mirror, "tag", new.body()) for new in whole)


# --- fences ----------------------------------------------------------------------------------------------------


def _fence_back(mirror: Mirror, wanted: FenceSaid | None, said: FenceSaid | None) -> Oid | None:
    """A commit of ours that says what the fence should say, if it does not."""
    if wanted is None or wanted == said:
        return None
    known = small_commits(mirror)
    return next((oid for oid, body in known.items() if fence_said("commit", body) == wanted), None)


# --- branches --------------------------------------------------------------------------------------------------


def _heads(
    session: Session, mirror: Mirror, past: Past, envs: Sequence[Environment], repo: Repo, state: RepoState
) -> Iterator[HeadSeen]:
    """Environments that are released to; where nobody releases to, people push as they like."""
    stations = [env.name for env in session.config.environments.values() if session.config.branch(repo, env)]
    upstream: dict[EnvName, EnvName] = {b: a for a, b in pairwise(stations)}
    for env in envs:
        branch = session.config.branch(repo, env)
        left = expected_head(past, repo.name, branch) if branch and env.tag else None
        if branch is None or left is None:
            continue
        left = _taken_back(mirror, past, repo, left)
        yield _seen(mirror, env.name, upstream.get(env.name), branch, state.heads.get(branch), left)


def _taken_back(mirror: Mirror, past: Past, repo: Repo, left: Left) -> Left:
    """Where a host refuses to rewind, a commit on top took the landing back: it is the one the run would make."""
    if left.undone is None or not _tried(mirror, "undone", left.undone.old):
        return left
    parcel = parcels(past.plans[left.run], {})[repo.name]
    return restored(left, parcel.restore(read.tree_of(mirror, left.undone.old)).oid)


def _seen(
    mirror: Mirror, env: EnvName, upstream: EnvName | None, branch: Branch, head: Oid | None, left: Left
) -> HeadSeen:
    seen = HeadSeen(env=env, upstream=upstream, branch=branch, head=head, left=left, relation="same")
    if head == left.oid:
        return seen
    known = _tried(mirror, "left", left.oid)
    if head is None:
        return replace(seen, relation="behind")
    fetch(mirror, {f"{_KEPT}head": head})
    ahead = known and read.is_ancestor(mirror, left.oid, head)
    behind = known and read.is_ancestor(mirror, head, left.oid)
    relation: Relation = "ahead" if ahead else "behind" if behind else "elsewhere"
    seen = replace(seen, relation=relation)
    return _counted(mirror, seen, head) if ahead else seen


def _counted(mirror: Mirror, seen: HeadSeen, head: Oid) -> HeadSeen:
    """With what came past multigit since the release, and since it was last merged back."""
    dealt, back = [seen.left.oid], seen.left.merged_back
    if back and _tried(mirror, "back", back) and read.is_ancestor(mirror, back, head):
        dealt.append(back)
    newest = read.commits(mirror, [head], dealt, limit=1, merges=True)
    count = read.count(mirror, [head], dealt, merges=True)
    return replace(seen, relation="ahead" if count else "same", count=count, newest=newest[0] if newest else None)
