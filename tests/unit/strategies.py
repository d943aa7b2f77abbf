"""Fleets for planners: small builders for tables of cases, and strategies that draw whole fleets from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from multigit.model.actor import Actor
from multigit.model.config import Config, Environment, Hotfix, Repo, System
from multigit.model.events import History, Hold, Run
from multigit.model.fleet import (
    Clean,
    CloneState,
    CommitLine,
    Conflicted,
    ConflictPath,
    Fleet,
    Outcome,
    Pair,
    Problem,
    RepoState,
    Restore,
    TagSeen,
    Trap,
    Unmergeable,
)
from multigit.model.names import Branch, EnvName, Oid, RepoName, RunId, Tag
from multigit.model.plan import Land, Plan, Refusal, Request, Step, Verb

SEOUL = ZoneInfo("Asia/Seoul")
NOON = datetime(2026, 2, 12, 12, tzinfo=SEOUL)
KIM = Actor(name="김민수", email="kim@example.invalid", user="kim", host="desk")
LEE = Actor(name="Lee", email="lee@example.invalid", user="lee", host="laptop")
DEV, STG, PROD = EnvName("dev"), EnvName("stg"), EnvName("prod")
ROOT, API, WEB = RepoName("root"), RepoName("api"), RepoName("web")
NAMES = (ROOT, API, WEB)
MAIN = Branch("main")
RUN = RunId("r-0123456789ab")
FIRST, SECOND = Tag("deploy-20260210-090000"), Tag("deploy-20260211-090000")


def oid(number: int, size: int = 40) -> Oid:
    """A full id, the same for the same number."""
    return Oid(f"{number:02x}" * (size // 2))


def line(number: int, subject: str = "feat: x") -> CommitLine:
    return CommitLine(oid=oid(number), author="kim", when=NOON, subject=subject)


def config(**more: Any) -> Config:
    """dev -> stg -> prod over three repositories: api after root, web after api."""
    environments = {
        DEV: Environment(name=DEV, branch=Branch("dev")),
        STG: Environment(name=STG, branch=Branch("stg"), tag="stg-deploy-{now:%Y%m%d-%H%M%S}"),
        PROD: Environment(name=PROD, branch=MAIN, tag="deploy-{now:%Y%m%d-%H%M%S}", tier="production"),
    }
    repos = {ROOT: Repo(name=ROOT), API: Repo(name=API, after=(ROOT,)), WEB: Repo(name=WEB, after=(API,))}
    given: dict[str, Any] = {
        "environments": environments, "repos": repos, "hotfix": Hotfix(allow=(STG, PROD), backmerge=(STG, DEV)), **more,
    }  # fmt: skip
    return Config(version=1, system=System(name=EnvName("shop"), title="Shop", timezone="Asia/Seoul"), **given)


CONFIG = config()


def state(repo: RepoName = API, *, problem: Problem | None = None, without: str = "", **more: Any) -> RepoState:
    """A remote with dev, stg and main, `without` one of them."""
    heads = {Branch(name): oid(number) for number, name in enumerate(("dev", "stg", "main"), 1) if name != without}
    return RepoState(repo=repo, heads={} if problem else heads, problem=problem, **more)


def tagged(*tags: str) -> dict[Tag, TagSeen]:
    return {Tag(tag): TagSeen(oid=oid(90), commit=oid(91)) for tag in tags}


def pair(repo: RepoName = API, *, ahead: int = 0, outcome: Outcome | None = None, **more: Any) -> Pair:
    """stg into main, both as `state` has them; with `ahead` a merge that changes a.txt."""
    changed = ("a.txt",) if ahead else ()
    given: dict[str, Any] = {
        "source": Branch("stg"), "target": MAIN, "source_oid": oid(2), "target_oid": oid(3), "ahead": ahead,
        "outcome": outcome or Clean(tree=oid(50), changed=changed), **more,
    }  # fmt: skip
    return Pair(repo=repo, **given)


CONFLICT = Conflicted(
    paths=(
        ConflictPath(path="src/a.ts", kinds=("contents",), ours=line(3, "hotfix: CORS"), theirs=line(2, "feat: 결제")),
        ConflictPath(path="b.png", kinds=("binary", "rename/delete")),
    )
)
UNRELATED = Unmergeable(why="the two branches have no commit in common", hint="git merge-base")
NO_BRANCH = Unmergeable(why="no branch stg", hint="multigit status -r api")
TRAPS = (Trap(path="bad.txt", why="silent"), Trap(path="worse.txt", why="by hand"))
GONE = Problem(kind="unreachable", why="no answer", hint="ping it")


def restore(repo: RepoName = API, *, moved: bool = True, **more: Any) -> Restore:
    """main, which FIRST would take back by two commits; with `moved` False it is there already."""
    given: dict[str, Any] = {
        "branch": MAIN, "head": oid(3), "head_tree": oid(60), "tag": FIRST, "commit": oid(91),
        "tree": oid(61 if moved else 60), "count": 2, "releases": (oid(2),), "changed": ("bad.txt",), **more,
    }  # fmt: skip
    return Restore(repo=repo, **given)


def clone(repo: RepoName = API, *, relation: str = "ahead", **more: Any) -> CloneState:
    """A clone on main that is one commit ahead."""
    given: dict[str, Any] = {
        "path": f"/srv/{repo}", "exists": True, "current": MAIN, "heads": {MAIN: oid(7)}, "relation": relation,
        "commits": (line(7, "fix: now"),) if relation == "ahead" else (), **more,
    }  # fmt: skip
    return CloneState(repo=repo, **given)


def quarantine(**sources: int) -> Hold:
    """A release of prod taken back, whose source heads were these."""
    return Hold(
        id="q-1", env=PROD, reason="500s", by=LEE, at=NOON, run=RUN,
        sources={RepoName(repo): (oid(number),) for repo, number in sources.items()},
    )  # fmt: skip


def open_run() -> Run:
    return Run(id=RUN, phase="begun", owner="o", by=LEE, started=NOON, plan={"target": "prod"})


def fleet(*known: object, holds: tuple[Hold, ...] = (), run: Run | None = None) -> Fleet:
    """A fleet of NAMES: what `known` says, and for the others that nothing is to be done."""
    history = History(head=oid(80), holds=holds, runs={run.id: run} if run else {})
    given: dict[type, dict[RepoName, Any]] = {RepoState: {}, Pair: {}, Restore: {}, CloneState: {}}
    for one in known:
        given[type(one)][one.repo] = one  # type: ignore[attr-defined]
    return Fleet(
        repos=tuple(given[RepoState].get(name, state(name)) for name in NAMES),
        history=history,
        pairs={name: given[Pair].get(name, pair(name)) for name in NAMES},
        restores={name: given[Restore].get(name, restore(name, moved=False)) for name in NAMES},
        clones={name: given[CloneState].get(name, clone(name, relation="same")) for name in NAMES},
    )


def asks(verb: Verb = "promote", **more: Any) -> Request:
    given: dict[str, Any] = {"target": PROD, "operator": KIM, "config_digest": "c0", **more}
    if verb in ("promote", "backmerge"):
        given.setdefault("source", STG)
    if verb == "rollback":
        given = {"to": FIRST, "mode": "restore", **given}
    return Request(verb=verb, **given)


# --- what plans have in common ---


def the_refusal(plan: Plan) -> Refusal:
    assert len(plan.refusals) == 1, plan.refusals
    return plan.refusals[0]


def step_of(plan: Plan, repo: RepoName = API) -> Step:
    found = [step for step in plan.steps if step.repo == repo]
    assert len(found) == 1, plan
    return found[0]


def land_of(plan: Plan, repo: RepoName = API) -> Land:
    step = step_of(plan, repo)
    assert isinstance(step, Land), step
    return step


def nobody_is_dropped(plan: Plan, names: tuple[RepoName, ...] = NAMES) -> None:
    """Every repository ends as a step or as a refusal, exactly once."""
    told = [step.repo for step in plan.steps] + [one.repo for one in plan.refusals if one.repo]
    assert sorted(told) == sorted(names)
    for land in plan.lands:
        assert land.new != land.old
        assert land.commit is None or (land.commit.oid == land.new and land.old in (*land.commit.parents, land.old))


# --- strategies ---

numbers = st.integers(1, 12)
oids = numbers.map(oid)
texts = st.sampled_from(
    ["", "fix: 결제 \U0001f680", "a\nMultigit-Absorbs: x\n", "\x1b[2J\u202e", '"\\/\t<>', "\ud7ff\r\n", "x" * 50]
)
"""Also what breaks out of quotes, lines and terminals."""
lines = st.builds(CommitLine, oid=oids, author=texts, when=st.just(NOON), subject=texts)
several = st.lists(lines, max_size=3).map(tuple)
moments = st.datetimes(
    min_value=datetime(2001, 1, 1), max_value=datetime(2099, 1, 1),  # noqa: DTZ001 - the zone is drawn
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)  # fmt: skip
problems = st.builds(
    Problem, kind=st.sampled_from(["unreachable", "auth", "empty", "failed"]), why=texts, hint=texts
)  # fmt: skip
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Clean, tree=oids, changed=st.lists(texts, max_size=2).map(tuple)),
    st.sampled_from([CONFLICT, UNRELATED, NO_BRANCH]),
)
selections = st.none() | st.frozensets(st.sampled_from(NAMES))
messages = texts
holds = st.lists(
    st.builds(
        Hold, id=st.sampled_from(["q-1", "q-2"]), env=st.sampled_from([STG, PROD]), reason=texts, by=st.just(LEE),
        at=st.just(NOON), run=st.none() | st.just(RUN),
        sources=st.dictionaries(st.sampled_from(NAMES), st.lists(oids, max_size=2).map(tuple)),
    ), max_size=2,
).map(tuple)  # fmt: skip


def states(repo: RepoName) -> st.SearchStrategy[RepoState]:
    heads: st.SearchStrategy[Mapping[Branch, Oid]] = st.fixed_dictionaries(
        {}, optional={Branch(name): oids for name in ("dev", "stg", "main")}
    )
    tags = st.lists(
        st.sampled_from([FIRST, SECOND, "stg-deploy-20260212-120000", "deploy-20260212-120000"]), max_size=3
    )
    whole = st.builds(RepoState, repo=st.just(repo), heads=heads, tags=tags.map(lambda t: tagged(*t)), fence=oids)
    return whole | st.builds(RepoState, repo=st.just(repo), problem=problems)


def pairs(seen: RepoState) -> st.SearchStrategy[Pair]:
    """What vcs/merging.py may say of this remote: two present heads, or that one is missing."""
    a, b = seen.heads.get(Branch("stg")), seen.heads.get(MAIN)
    possible = outcomes if a and b else st.just(NO_BRANCH)
    return st.builds(
        Pair, repo=st.just(seen.repo), source=st.just(Branch("stg")), target=st.just(MAIN), source_oid=st.just(a),
        target_oid=st.just(b), ahead=st.integers(0, 3), outcome=possible, commits=several, debts=several, owed=several,
        absorbs=st.lists(oids, max_size=2).map(tuple), traps=st.sampled_from([(), (), TRAPS]),
    )  # fmt: skip


def restores(seen: RepoState) -> st.SearchStrategy[Restore]:
    head = seen.heads.get(MAIN)
    lost = st.builds(Restore, repo=st.just(seen.repo), branch=st.just(MAIN), head=st.just(head))
    if head is None:
        return lost
    trees = st.integers(60, 61).map(oid)
    return lost | st.builds(
        Restore, repo=st.just(seen.repo), branch=st.just(MAIN), head=st.just(head), head_tree=trees,
        tag=st.sampled_from([FIRST, SECOND]), exact=st.booleans(), commit=oids.filter(lambda one: one != head),
        tree=trees, count=st.integers(0, 3), releases=st.lists(oids, max_size=2).map(tuple), hotfixes=several,
        changed=st.lists(texts, max_size=2).map(tuple), reverted=st.none() | outcomes,
    )  # fmt: skip


@st.composite
def clones(draw: st.DrawFn, seen: RepoState) -> CloneState:
    head = seen.heads.get(MAIN)
    relation: Any = draw(st.sampled_from(["same", "behind", "ahead", "diverged", "unknown"]))
    tip = head if relation == "same" else draw(oids.filter(lambda one: one != head))
    return CloneState(
        repo=seen.repo, path=f"/srv/{seen.repo}", exists=draw(st.booleans()),
        foreign=draw(st.sampled_from(["", "", "x"])),
        current=draw(st.sampled_from([MAIN, Branch("dev"), None])), dirty=draw(st.sampled_from([(), ("a",)])),
        untracked=draw(st.sampled_from([(), ("u",)])), busy=draw(st.sampled_from(["", "merge"])),
        heads={MAIN: tip} if tip else {}, relation=relation if tip else "absent",
        commits=draw(several), work_tree=draw(oids), suspects=draw(st.sampled_from([(), ((".env", "secret"),)])),
    )  # fmt: skip


@st.composite
def fleets(draw: st.DrawFn, verb: Verb) -> Fleet:
    """Any fleet that `verb` can see."""
    seen = tuple(draw(states(name)) for name in NAMES)
    run = draw(st.none() | st.builds(open_run))
    readable = [one for one in seen if not one.problem]
    return Fleet(
        repos=seen,
        history=History(head=draw(st.none() | oids), holds=draw(holds), runs={run.id: run} if run else {}),
        pairs={one.repo: draw(pairs(one)) for one in readable if verb in ("promote", "backmerge")},
        restores={one.repo: draw(restores(one)) for one in readable if verb == "rollback"},
        clones={one.repo: draw(clones(one)) for one in seen if verb in ("hotfix", "pull")},
    )


def requests(verb: Verb) -> st.SearchStrategy[Request]:
    return st.builds(
        Request, verb=st.just(verb), source=st.just(STG), target=st.just(PROD), operator=st.just(KIM), repos=selections,
        message=messages, reapply=st.booleans(), mode=st.sampled_from(["restore", "revert", "reset"]),
        to=st.just(FIRST), config_digest=texts,
    )  # fmt: skip
