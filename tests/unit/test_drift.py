"""What the ledger says of a fleet, and what differs from it: a table of cases, no git."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigit.model.comparison import drifts, older
from multigit.model.drift import Door, Drift, HeadSeen, Held, exit_code
from multigit.model.events import History, Phase, Run
from multigit.model.fleet import RepoState, TagSeen
from multigit.model.names import Branch, Oid, RepoName, RunId, Tag
from multigit.model.objects import NewTag, Signature, TagObject, parse_tag
from multigit.model.past import (
    FenceSaid,
    Left,
    Past,
    expected_fence,
    expected_head,
    expected_tags,
    fence_said,
    restored,
    under_way,
)
from multigit.model.plain import plain
from multigit.model.plan import Keep, Land, Plan, Seen, to_json
from tests.unit.strategies import API, KIM, MAIN, NOON, PROD, STG, WEB, line, oid

DOOR = Door("/cache/api.git", "https://git.example.com/api.git")
OLD, NEW, ELSEWHERE = oid(1), oid(2), oid(3)


def land(new: Oid = NEW, *, repo: RepoName = API, branch: Branch = MAIN) -> Land:
    return Land(repo=repo, branch=branch, old=OLD, new=new, how="merge")


def plan(number: int, *steps: Land | Keep, **more: Any) -> Plan:
    given: dict[str, Any] = {"verb": "promote", "source": STG, "target": PROD, **more}
    return Plan(system=PROD, title="Shop", created=NOON, operator=KIM, tag=Tag(f"deploy-{number}"), ledger=oid(number),
                steps=steps or (land(), Keep(repo=WEB, branch=MAIN, at=OLD)), **given)  # fmt: skip


def run(made: Plan, phase: Phase = "released", **statuses: Any) -> Run:
    given: Mapping[RepoName, Any] = {RepoName(name): status for name, status in statuses.items()}
    return Run(id=made.run, phase=phase, owner="o", by=KIM, started=NOON, plan=plain(made), statuses=given)


def past(*runs: Run) -> Past:
    return Past.of(History(head=oid(80), runs={one.id: one for one in runs}))


def fence(made: Plan, state: str, repo: RepoName = API) -> FenceSaid:
    return FenceSaid(run=made.run, repo=repo, state=state)


# --- what is expected ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "status", "state"),
    [
        ("released", "landed", "landed"), ("released", "", "landed"), ("aborted", "void", "void"),
        ("aborted", "undone", "undone"), ("aborted", "restored", "restored"), ("aborted", "diverged", "diverged"),
    ],
)  # fmt: skip
def test_the_fence_says_how_the_last_run_ended_there(phase: Phase, status: str, state: str) -> None:
    before, last = plan(1), plan(2)
    known = past(run(before), run(last, phase, **({"api": status} if status else {})))
    assert expected_fence(known, API) == fence(last, state)


def test_a_run_that_touched_nothing_there_leaves_the_fence_of_the_one_before() -> None:
    first, untouched, failed, is_open = plan(1), plan(2), plan(3), plan(4)
    known = past(run(first), run(untouched, "aborted", api="untouched"), run(failed, "failed"), run(is_open, "begun"))
    assert expected_fence(known, API) == fence(first, "landed")
    assert expected_fence(known, WEB) is None  # it only got the tags


def test_tags_are_expected_as_the_very_objects_with_their_signatures() -> None:
    made, open_one = plan(1), plan(2)
    signed = replace(run(made), signatures={API: "-----BEGIN SSH SIGNATURE-----\n"})
    known = past(signed, run(open_one, "landed"), run(plan(3), "aborted"))
    assert expected_tags(known, API) == {Tag("deploy-1"): replace(made.tags()[API], signature=signed.signatures[API])}
    assert expected_tags(known, WEB) == {Tag("deploy-1"): made.tags()[WEB]}
    assert expected_tags(known, RepoName("other")) == {}


def test_a_plan_of_an_older_version_still_names_its_tags() -> None:
    made = plan(1)
    short = {key: value for key, value in plain(made).items() if key != "waves"}  # written before there were waves
    text = json.dumps(short, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    name = RunId(f"r-{digest[:12]}")
    known = past(replace(run(made), id=name, plan=short))
    assert known.unread == {}
    message = expected_tags(known, API)[Tag("deploy-1")].message
    assert f"Multigit-Plan: sha256:{digest}" in message
    assert f"Multigit-Run: {name}" in message


def test_a_plan_that_was_changed_or_cannot_be_read_is_not_believed() -> None:
    changed, broken = run(plan(1)), run(plan(2))
    changed = replace(changed, plan={**changed.plan, "tag": "deploy-9"})
    broken = replace(broken, plan={"verb": "promote"})
    assert set(past(changed, broken).unread) == {changed.id, broken.id}
    assert "it was changed" in past(changed).unread[changed.id]


def test_where_a_branch_was_left() -> None:
    first, back, kept = plan(1), plan(2), plan(3, Keep(repo=API, branch=MAIN, at=ELSEWHERE))
    left = expected_head(past(run(first)), API, MAIN)
    assert left == Left(run=first.run, oid=NEW)
    assert expected_head(past(run(first)), WEB, MAIN) == Left(run=first.run, oid=OLD)
    assert expected_head(past(run(first), run(kept)), API, MAIN) == Left(run=kept.run, oid=ELSEWHERE)
    assert expected_head(past(run(first)), API, Branch("dev")) is None
    taken = expected_head(past(run(first), run(back, "aborted", api="restored")), API, MAIN)
    assert taken == Left(run=back.run, oid=NEW, undone=land())
    assert restored(taken, ELSEWHERE) == Left(run=back.run, oid=ELSEWHERE)
    undone = past(run(first), run(back, "aborted", api="undone"), run(kept, "begun"))
    assert expected_head(undone, API, MAIN) == left
    built = expected_head(past(run(first), run(back, "aborted", api="diverged")), API, MAIN)
    assert built == Left(run=first.run, oid=NEW, built_on=(back.run,))


def test_what_was_merged_back_was_dealt_with() -> None:
    first = plan(1)
    steps = (land(branch=Branch("stg")),)
    seen = (Seen(repo=API, heads={MAIN: ELSEWHERE, Branch("stg"): OLD}),)
    back = plan(2, *steps, verb="backmerge", source=PROD, target=STG, seen=seen)
    left = expected_head(past(run(first), run(back)), API, MAIN)
    assert left == Left(run=first.run, oid=NEW, merged_back=ELSEWHERE)
    for other in (run(back, "aborted"), run(replace(back, verb="promote"))):
        left = expected_head(past(run(first), replace(other, id=RunId("r-" + to_id(other)))), API, MAIN)
        assert left == Left(run=first.run, oid=NEW)


def to_id(other: Run) -> str:
    return hashlib.sha256(json.dumps(other.plan, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
                          ).hexdigest()[:12]  # fmt: skip


# --- what differs --------------------------------------------------------------------------------------------------


def held(made: Plan, *, fence_says: FenceSaid | None = None, repo: RepoName = API, **more: Any) -> Held:
    """A repository that is as `made` left it, with `more` of its state changed."""
    wanted = {made.tag: made.tags()[repo]} if made.tag else {}
    tags = {tag: TagSeen(oid=new.oid, commit=new.commit) for tag, new in wanted.items()}
    looked = more.pop("looked", {})
    given: dict[str, Any] = {"tags": tags, "fence": ELSEWHERE, **more}
    return Held(state=RepoState(repo=repo, **given), door=DOOR, fence=fence_says or fence(made, "landed"),
                wanted=wanted, tags=looked)  # fmt: skip


def one(known: Past, seen: Held) -> Drift:
    (found,) = drifts(known, seen)
    return found


MADE = plan(1)
KNOWN = past(run(MADE))


def test_nothing_differs_where_nothing_does() -> None:
    assert drifts(KNOWN, held(MADE)) == []
    assert drifts(past(), Held(state=RepoState(repo=API), door=DOOR)) == []


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (fence(MADE, "void"), "it says void"),
        (FenceSaid(run="r-0123456789ab", repo="api", state="landed"), "r-0123456789ab, which the ledger does not know"),
        (fence(MADE, "landed", WEB), "is the fence of web"),
        (FenceSaid(run="", repo="api", state=""), "which the ledger does not know"),
    ],
)
def test_a_fence_that_says_something_else(says: FenceSaid, words: str) -> None:
    found = one(KNOWN, held(MADE, fence_says=says))
    assert words in found.what
    assert f"the ledger says landed by run {MADE.run}" in found.why
    assert found.fix == ""
    back = one(KNOWN, replace(held(MADE, fence_says=says), fence_back=NEW))
    if "shares api" in found.why:
        assert back.fix == ""  # another fleet's run may be under way
        return
    assert back.fix.endswith(f"--force-with-lease=refs/multigit/fence:{ELSEWHERE} {DOOR.url} {NEW}:refs/multigit/fence")


def test_while_a_run_is_open_its_repositories_are_not_judged() -> None:
    open_one = plan(2)
    known = past(run(MADE), run(open_one, "landed"))
    assert under_way(known, API)
    says = fence(open_one, "landed")
    stages = {str(open_one.run): NEW}
    assert drifts(known, held(MADE, fence_says=says, stages=stages)) == []
    assert not under_way(past(run(MADE), run(plan(2, land(repo=WEB)), "begun")), API)


def told(tag: str, commit: Oid, *records: str) -> TagObject:
    message = "Shop\n\n" + "".join(f"{record}\n" for record in records)
    return TagObject(object=commit, type="commit", tag=tag, by="Lee <lee@example.invalid> 1 +0000", message=message)


@pytest.mark.parametrize(
    ("found", "what", "why"),
    [
        (told("deploy-0", NEW), "replayed", "the object says deploy-0"),
        (told("deploy-1", NEW, f"Multigit-Repo: web {NEW}"), "replayed", "is about web"),
        (told("deploy-1", ELSEWHERE, f"Multigit-Repo: api {NEW}"), "replayed", f"has api at {NEW.short}"),
        (told("deploy-1", NEW), "was made anew", "an object of Lee"),
        (None, "is lightweight", "a bare name"),
    ],
)
def test_a_tag_that_is_another_object(found: TagObject | None, what: str, why: str) -> None:
    tags = {Tag("deploy-1"): TagSeen(oid=oid(9), commit=NEW)}
    drift = one(KNOWN, held(MADE, tags=tags, looked={Tag("deploy-1"): found}))
    assert what in drift.what
    assert why in drift.why
    assert "cannot be put back" in drift.why
    assert drift.fix == ""


@pytest.mark.parametrize(
    ("found", "counted", "what"),
    [
        (told("deploy-0", NEW), 1, ""),
        (told("deploy-0", NEW, f"Multigit-Run: {MADE.run}", f"Multigit-Repo: api {NEW}"), 1, ""),
        (told("deploy-0", NEW, f"Multigit-Repo: web {NEW}"), 0, "replayed"),
        (told("deploy-1", NEW), 0, "replayed"),
        (told("deploy-0", NEW, f"Multigit-Run: {plan(7).run}"), 0, "marks no release"),
        (None, 1, ""),
    ],
)
def test_a_tag_the_ledger_does_not_know(found: TagObject | None, counted: int, what: str) -> None:
    known = past(run(MADE), run(plan(7), "aborted"))
    seen = held(MADE, looked={Tag("deploy-0"): found})
    seen = replace(
        seen, state=replace(seen.state, tags={**seen.state.tags, Tag("deploy-0"): TagSeen(oid=oid(9), commit=NEW)})
    )
    assert older(known, seen) == counted
    assert [what in drift.what for drift in drifts(known, seen)] == ([True] if what else [])


@pytest.mark.fault("force-push-after")
@pytest.mark.parametrize(
    ("relation", "head", "here", "what", "fix"),
    [
        ("ahead", ELSEWHERE, True, "main has 2 commits that came past multigit: kim", "multigit backmerge prod stg"),
        ("behind", OLD, True, f"main is at {OLD.short} and no longer has {NEW.short}", f"{NEW}:refs/heads/main"),
        ("behind", None, True, "main is gone", f"--force-with-lease=refs/heads/main: {DOOR.url} {NEW}:refs/heads/main"),
        ("elsewhere", ELSEWHERE, True, "no longer has", f"log --oneline {ELSEWHERE}..{NEW}"),
        ("elsewhere", ELSEWHERE, False, "no longer has", ""),
    ],
)
def test_a_branch_that_is_elsewhere(relation: Any, head: Oid | None, here: bool, what: str, fix: str) -> None:
    seen = HeadSeen(env=PROD, upstream=STG, branch=MAIN, head=head, left=Left(run=MADE.run, oid=NEW), relation=relation,
                    count=2, newest=line(3, "fix: hot"))  # fmt: skip
    drift = one(KNOWN, replace(held(MADE), heads=(seen,), here=frozenset([NEW]) if here else frozenset()))
    assert what in drift.what
    assert drift.fix.endswith(fix)
    assert bool(drift.fix) == bool(fix)


def test_left_over_objects_are_named_with_what_became_of_their_run() -> None:
    stages = {str(MADE.run): NEW, "r-0123456789ab": OLD}
    first, second = drifts(KNOWN, held(MADE, stages=stages))
    assert first.why == "the run is released"
    assert "the ledger does not know the run" in second.why
    assert second.fix.endswith(":refs/multigit/stage/r-0123456789ab")


def test_a_name_with_shell_characters_stays_one_word() -> None:
    fix = Door("/c a/$(x).git", "u;v").push("refs/tags/a'b", None, NEW)
    assert fix.startswith("git '--git-dir=/c a/$(x).git' push '--force-with-lease=refs/tags/a'\"'\"'b:' 'u;v' ")


@pytest.mark.parametrize(("is_open", "found", "code"), [(0, 0, 0), (0, 1, 1), (1, 0, 4), (1, 1, 4)])
def test_exit_codes(is_open: int, found: int, code: int) -> None:
    drift = Drift(repo=API, kind="tag", what="moved")
    assert exit_code(is_open, [drift] * found) == code
    assert exit_code(is_open, [replace(drift, kind="stage")] * found) == (4 if is_open else 0)


# --- reading what git has ------------------------------------------------------------------------------------------


def test_only_a_commit_with_the_fence_s_message_is_a_fence() -> None:
    body = b"tree x\nauthor a\n\nmultigit fence\n\nrun: r-0123456789ab\nrepo: api\nstate: landed\npush: 1"
    assert fence_said("commit", body) == FenceSaid(run="r-0123456789ab", repo="api", state="landed")
    assert fence_said("tag", body) is None
    assert fence_said("commit", body.replace(b"multigit fence\n", b"Re: multigit fence\n")) is None
    assert fence_said("commit", body + b"\nstate: void") == fence_said("commit", body)


@given(st.binary(max_size=400))
def test_no_bytes_are_too_odd(body: bytes) -> None:
    fence_said("commit", body)
    for raw in (body, b"object 1\ntype commit\ntag a\n\n" + body, b"object 1\ntype " + body):
        try:
            parse_tag(raw)
        except ValueError:
            continue


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60), st.text(max_size=20))
def test_a_tag_reads_back_as_it_was_made(message: str, name: str) -> None:
    by = Signature(name=name.encode("utf-8", "ignore").decode(), email="kim@example.invalid", when=NOON)
    made = NewTag(tag=Tag("deploy-1"), commit=NEW, message=message, by=by)
    found = parse_tag(made.body())
    assert (found.object, found.type, found.tag, found.by) == (NEW, "commit", "deploy-1", by.line())
    assert found.message + found.signature == message.rstrip("\n") + "\n"


@pytest.mark.fault("log-forging")
def test_a_tagger_cannot_write_another_name_into_the_tag() -> None:
    by = Signature(name="Lee\x85tag deploy-2\u2028object " + ELSEWHERE, email="lee@example.invalid", when=NOON)
    found = parse_tag(NewTag(tag=Tag("deploy-1"), commit=NEW, message="m\x85Multigit-Repo: api", by=by).body())
    assert (found.tag, found.object, found.told("Multigit-Repo")) == ("deploy-1", NEW, ())
    twice = b"object 1\ntype commit\ntag a\ntag b\n\nm"
    assert parse_tag(twice).tag == "a"


def test_a_plan_s_digest_is_that_of_the_ledger_s_text() -> None:
    assert json.loads(to_json(MADE)) == plain(MADE)
    assert KNOWN.plans == {MADE.run: MADE}
