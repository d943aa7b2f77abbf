"""What was expected by the ledger and what was read, compared. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from multigit.model.drift import Door, Drift, HeadSeen, Held
from multigit.model.names import Oid, RepoName, Tag
from multigit.model.objects import TagObject
from multigit.model.ownrefs import FENCE, STAGE
from multigit.model.past import FenceSaid, Past, expected_fence, under_way

_AS_IT_IS = "nothing needs doing: the next release takes it as it is"
_RENAMED = "no run of the ledger was about a repository of this name: was it renamed in repos.yaml?"


def drifts(past: Past, held: Held) -> list[Drift]:
    """Everything in one repository that is not as the ledger says."""
    return [*_fence(past, held), *_tags(held), *_strangers(past, held), *_branches(past, held), *_stages(past, held)]


def older(past: Past, held: Held) -> int:
    """How many release tags the ledger does not know, and nothing is wrong with."""
    return len(set(held.tags) - set(held.wanted)) - len(list(_strangers(past, held)))


# --- fences ----------------------------------------------------------------------------------------------------


def _fence(past: Past, held: Held) -> Iterator[Drift]:
    repo, at = held.state.repo, held.state.fence
    wanted = expected_fence(past, repo)
    if under_way(past, repo) or (at is None and wanted is None) or (at and wanted and held.fence == wanted):
        return
    what = _fence_what(past, repo, at, held.fence, wanted)
    last = f"the ledger says {wanted.state} by run {wanted.run}" if wanted else "no run of the ledger moved it"
    back = held.fence_back if wanted else None
    if not _known(past, repo):
        yield Drift(repo=repo, kind="fence", what=what, why=f"{last}; {_RENAMED}: {_AS_IT_IS}")
    elif _of_others(past, held.fence, repo):
        yield Drift(
            repo=repo, kind="fence", what=what, why=f"{last}; a fleet that shares {repo} may need it: {_AS_IT_IS}"
        )
    elif wanted and back is None:
        yield Drift(repo=repo, kind="fence", what=what, why=f"{last}; {_AS_IT_IS}")
    else:
        why = f"{last}; put back now or taken as it is by the next release"
        yield Drift(repo=repo, kind="fence", what=what, why=why, fix=held.door.push(FENCE, at, back))


def _known(past: Past, repo: RepoName) -> bool:
    """Whether the ledger knows the name: what lies in a renamed repository is not to be deleted."""
    return not past.plans or any(repo in plan.commits() for plan in past.plans.values())


def _of_others(past: Past, said: FenceSaid | None, repo: RepoName) -> bool:
    """Whether it may be the fence of another fleet's run, which must not lose it."""
    return said is not None and said.repo == repo and bool(said.run) and said.run not in past.history.runs


def _fence_what(past: Past, repo: RepoName, at: Oid | None, said: FenceSaid | None, wanted: FenceSaid | None) -> str:
    if at is None:
        return "the fence is missing: somebody deleted it"
    if said is None:
        return f"the fence was moved by hand: {at.short} is no fence commit"
    if said.repo != repo:
        return f"the fence was moved by hand: {at.short} is the fence of {said.repo}"
    if said.run not in past.history.runs:
        return f"the fence names run {said.run or '(none)'}, which the ledger does not know"
    if wanted is None or said.run != wanted.run:
        return f"the fence was moved by hand: it names run {said.run}"
    return f"the fence was moved by hand: it says {said.state}"


# --- tags ------------------------------------------------------------------------------------------------------


def _tags(held: Held) -> Iterator[Drift]:
    repo = held.state.repo
    for tag, wanted in held.wanted.items():
        seen = held.state.tags.get(tag)
        if seen and seen.oid == wanted.oid:
            continue
        fix = held.door.push(tag.full, seen.oid if seen else None, wanted.oid) if wanted.oid in held.here else ""
        lost = "" if fix else "; its commit is gone from the host, so it cannot be put back from here"
        if seen is None:
            why = f"it was released on {wanted.commit.short}{lost}"
            yield Drift(repo=repo, kind="tag", what=f"tag {tag} is missing", why=why, fix=fix)
            continue
        found = held.tags.get(tag)
        what = (
            f"tag {tag} was moved: it is {seen.commit.short}"
            if seen.commit != wanted.commit
            else f"tag {tag} was made anew"
        )
        if found is None:
            what, reason = f"tag {tag} is lightweight", "the release's tag object was replaced by a bare name"
        elif reason := replayed(found, tag, repo):
            what = f"tag {tag} is another tag's object, replayed"
        else:
            reason = f"the release's tag on {wanted.commit.short} was replaced by an object of {_who(found)}"
        yield Drift(repo=repo, kind="tag", what=what, why=f"{reason}{lost}", fix=fix)


def _strangers(past: Past, held: Held) -> Iterator[Drift]:
    """Tags with a release's name that the ledger does not know: earlier tools' are fine, if they are what they say."""
    repo = held.state.repo
    for tag, found in held.tags.items():
        if tag in held.wanted or found is None:
            continue
        fix = held.door.push(tag.full, held.state.tags[tag].oid, None) if _known(past, repo) else ""
        if why := replayed(found, tag, repo):
            what = f"tag {tag} is another tag's object, replayed"
            why += "" if fix else f"; {_RENAMED}"
            yield Drift(repo=repo, kind="tag", what=what, why=why, fix=fix)
        elif why := _unreleased(past, found):
            yield Drift(repo=repo, kind="tag", what=f"tag {tag} marks no release", why=why, fix=fix)


def replayed(found: TagObject, ref: Tag, repo: RepoName) -> str:
    """Why a tag object does not belong under the name `ref` in `repo`; ''."""
    if found.tag != ref:
        return f"the object says {found.tag}: it was put there under another name"
    told = found.told("Multigit-Repo")
    if told and f"{repo} {found.object}" not in told:
        named = {line.partition(" ")[0]: line.partition(" ")[2] for line in told}
        at = f"has {repo} at {named[repo][:7]}" if repo in named else f"is about {', '.join(named)}"
        return f"its release record {at}, and it stands on {found.object[:7]}"
    return ""


def _unreleased(past: Past, found: TagObject) -> str:
    runs = {str(run.id): run for run in past.history.runs.values()}
    for name in found.told("Multigit-Run"):
        run = runs.get(name)
        if run and not run.open and run.phase != "released":
            return f"it says run {name}, which the ledger has as {run.phase}"
    return ""


def _who(found: TagObject) -> str:
    return found.by.partition(" <")[0] or "nobody in particular"


# --- branches --------------------------------------------------------------------------------------------------


def _branches(past: Past, held: Held) -> Iterator[Drift]:
    repo = held.state.repo
    for seen in held.heads:
        if seen.relation == "same" or under_way(past, repo):
            continue
        left, door = seen.left, held.door
        built = f"; somebody built on run {left.built_on[0]}, which was taken back" if left.built_on else ""
        released = f"run {left.run} left it at {left.oid.short}"
        if seen.relation == "ahead":
            yield Drift(
                repo=repo, kind="branch", what=_past_us(seen), why=f"{released}{built}", fix=_take_in(seen, door)
            )
            continue
        there = f"at {seen.head.short}" if seen.head else "gone"
        what = f"{seen.branch} is {there} and no longer has {left.oid.short}"
        fix = ""
        if left.oid in held.here:
            behind = seen.relation == "behind"
            fix = door.push(seen.branch.full, seen.head, left.oid) if behind else _compare(door, left.oid, seen.head)
        yield Drift(
            repo=repo, kind="branch", what=what, why=f"somebody took away what run {left.run} released", fix=fix
        )


def _past_us(seen: HeadSeen) -> str:
    newest = f': {seen.newest.author}, "{seen.newest.subject}"' if seen.newest else ""
    commits = "1 commit" if seen.count == 1 else f"{seen.count} commits"
    return f"{seen.branch} has {commits} that came past multigit{newest}"


def _take_in(seen: HeadSeen, door: Door) -> str:
    """Upstream gets it, so that the next promotion has it."""
    if seen.upstream:
        return f"multigit backmerge {seen.env} {seen.upstream}"
    return _compare(door, seen.head, seen.left.oid)


def _compare(door: Door, has: Oid | None, lacks: Oid | None) -> str:
    return door.git("log", "--oneline", f"{lacks}..{has}" if lacks else str(has))


# --- stages ----------------------------------------------------------------------------------------------------


def _stages(past: Past, held: Held) -> Iterator[Drift]:
    runs = {str(run.id): run for run in past.history.runs.values()}
    for name, oid in held.state.stages.items():
        run = runs.get(name)
        if run and run.open:
            continue
        why = (
            f"the run is {run.phase}" if run else "the ledger does not know the run: it never began, or begins just now"
        )
        yield Drift(repo=held.state.repo, kind="stage", what=f"objects of run {name} were left in {STAGE}{name}",
                    why=why, fix=held.door.push(f"{STAGE}{name}", oid, None))  # fmt: skip
