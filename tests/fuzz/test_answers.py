"""What hosts, colleagues and files may say: any bytes are an answer or a documented error, and soon.

git's output is put in place of git here: these are tests of parsers, not of git. What real git says to them is
tested in tests/git and tests/servers; hosts and colleagues choose most of the bytes in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multigit.app.consent import saved
from multigit.errors import MultigitError
from multigit.ledger import records
from multigit.ledger.records import LedgerError
from multigit.model.events import fold
from multigit.model.names import Oid, RepoName, RunId
from multigit.model.objects import parse_tag
from multigit.model.plan import from_json, to_json
from multigit.model.record import Event
from multigit.planners import promote
from multigit.vcs import fork, lsrefs, mirror, predict, read, wire, write
from multigit.vcs.problems import gist, problem_of
from multigit.vcs.run import GitError, Output, redact
from tests.fuzz.budget import quick, tries
from tests.unit.strategies import CONFIG, KIM, NOON, PROD, STG, asks, fleet

ONE, TWO = "1" * 40, "2" * 40
ROWS = [
    ONE,
    TWO,
    "\t",
    "\n",
    "\0",
    " ",
    "refs/heads/main",
    "refs/tags/v1",
    "^{}",
    "refs/multigit/fence",
    "missing",
    "blob",
    "3",
]
ROWS += [
    ":",
    "!",
    "*",
    "=",
    "Done",
    "[rejected]",
    "[remote rejected] (",
    ")",
    "\u2028",
    "\x85",
    "\r",
    "\x0b",
    "\x1c",
    "remote:",
]
SAID = st.lists(st.sampled_from(ROWS), max_size=24).map(lambda words: "".join(words).encode()) | st.binary(max_size=60)
ERRORS = [
    "fatal: ",
    "error: ",
    "remote: ",
    "\n",
    "repository '",
    "Remote branch ",
    "Permission to ",
    "is at ",
    "http://a:b@",
]
HOME = mirror.Mirror(repo=RepoName("home"), url="/nowhere", path=Path("/nowhere"))


def says(monkeypatch: pytest.MonkeyPatch, out: bytes, status: int = 0, err: str = "") -> None:
    for module in (fork, lsrefs, read, write, predict, mirror):
        monkeypatch.setattr(module, "git", lambda *args, **more: Output(status, out, err))


@tries(150)
@given(SAID)
@example(f"{ONE}\trefs/tags/v1\n{TWO}\trefs/tags/v1\u2028x\n".encode())
def test_refs_are_those_that_were_sent_or_a_git_error(out: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        says(patch, out)
        try:
            refs = lsrefs.list_refs("/nowhere", ["refs/"])
        except GitError:
            return
    sent = {tuple(row.split("\t")) for row in out.decode("utf-8", "backslashreplace").split("\n")}
    assert {(seen.oid, name) for name, seen in refs.items()} <= sent
    with pytest.MonkeyPatch.context() as patch:
        says(patch, out)
        lsrefs.survey(RepoName("home"), "/nowhere", [])


@tries(150)
@given(SAID, st.integers(0, 1), st.lists(st.sampled_from([*ERRORS, *ROWS]), max_size=8).map("".join))
@example(
    f"!\t{ONE}:refs/heads/main\t[remote rejected] (no\u2028*\tx:refs/heads/main\tx\u2028Done\u2028)\n".encode(), 0, ""
)
def test_a_push_report_never_says_done_unless_git_did(out: bytes, status: int, err: str) -> None:
    move = write.RefUpdate(ref="refs/heads/main", old=Oid(ONE), new=Oid(TWO))
    report = write._report(Output(status, out, err), [move], "/nowhere")
    lines = out.decode("utf-8", "backslashreplace").split("\n")
    if report.done:
        assert status == 0
        assert "Done" in lines
        assert not any(
            line.startswith("!\t") and line.split("\t")[1].endswith(":refs/heads/main")
            for line in lines
            if line.count("\t") == 2
        )


READERS: dict[str, Callable[[], object]] = {
    "commits": lambda: read.commits(HOME, [Oid(ONE)], []),
    "trees_of": lambda: read.trees_of(HOME, [Oid(ONE), Oid(TWO)]),
    "tree_of": lambda: read.tree_of(HOME, Oid(ONE)),
    "parents": lambda: read.parents(HOME, Oid(ONE)),
    "read_object": lambda: read.read_object(HOME, Oid(ONE)),
    "count": lambda: read.count(HOME, [Oid(ONE)], []),
    "changed_paths": lambda: read.changed_paths(HOME, Oid(ONE), Oid(TWO)),
    "renames": lambda: read.renames(HOME, Oid(ONE), Oid(TWO)),
    "merge_bases": lambda: read.merge_bases(HOME, Oid(ONE), Oid(TWO)),
    "messages": lambda: read.messages(HOME, [Oid(ONE)], [], "x"),
    "chain": lambda: read.chain(HOME, Oid(ONE)),
    "touched": lambda: list(read.touched(HOME, [ONE])),
    "own_paths": lambda: read.own_paths(HOME, [Oid(ONE)], []),
    "merge": lambda: predict.merge(Path("/nowhere"), Oid(ONE), Oid(TWO)),
    "present": lambda: mirror.present(HOME, [Oid(ONE)]),
    "fork": lambda: fork.parted(HOME, Oid(ONE), Oid(TWO), whole=Oid(ONE)),
}


@pytest.mark.parametrize("name", READERS)
@tries(25)
@given(out=SAID, status=st.sampled_from([0, 0, 0, 1, 128]))
def test_what_git_prints_of_our_own_copy_is_read_or_an_error(name: str, out: bytes, status: int) -> None:
    # Nobody else chooses where these answers end and begin (-z): a ValueError is git's own fault, and told as a bug.
    with pytest.MonkeyPatch.context() as patch, suppress(GitError, ValueError):
        says(patch, out, status)
        READERS[name]()


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    parts = draw(
        st.lists(SAID | st.sampled_from([b"version 2\n", f"{ONE} refs/tags/v1 peeled:{TWO}\n".encode()]), max_size=6)
    )
    framed = b"".join(
        draw(st.sampled_from([b"", b"0000", b"0001"])) + b"%04x" % (len(part) + 4) + part for part in parts
    )
    return framed + draw(st.sampled_from([b"0000", b"", b"0002", b"zzzz", b"00"]))


@tries(100)
@given(packets() | st.binary(max_size=60))
def test_a_host_that_speaks_nonsense_is_not_understood(data: bytes) -> None:
    for read_it in (wire.answer, wire.conversation):
        with suppress(wire.NotUnderstood):
            for name, seen in read_it(data, ["refs/*"]).items():
                assert name.startswith("refs/")
                assert not Oid.problem(seen.oid)


@tries(30)
@given(
    st.lists(
        st.sampled_from([*ERRORS, *ROWS, " ", "a", "password=", "token=", "authorization", "x-", "?"]),
        min_size=1,
        max_size=3,
    )
)
@example(["\n"])
@example(["repository '"])
@example(["ssh-"])
def test_no_flood_of_words_stops_us(words: list[str]) -> None:
    flood = "".join(words) * (50_000 // len("".join(words)))
    with quick(2):
        redact(flood)
        assert len(gist(flood)) <= len(flood)
        problem_of(flood, url="https://example.invalid/x.git")


WORDS = st.sampled_from(["", "x", ONE, "r-0123456789ab", "prod", "api", "v1"])
NAMED = st.sampled_from(["hold", "env", "api", "tag", "x"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMED, inner, max_size=3),
    max_leaves=6,
)
BY = {"name": "Kim", "email": "kim@example.invalid", "user": "kim", "host": "desk"}
RECORD = {"schema": records.SCHEMA, "kind": "released", "run": "r-0123456789ab", "at": "2026-02-12T07:00:14Z", "by": BY}
RECORD |= {"owner": "o", "reason": "", "data": {"statuses": {"api": "landed"}}}
KEYS = ["plan", "statuses", "signatures", "quarantine", "lifts", "hold", "env", "reason", "sources"]


@st.composite
def records_by_hand(draw: st.DrawFn) -> str:
    record = dict(RECORD)
    record["kind"] = draw(
        st.sampled_from(["begin", "released", "aborted", "hold", "lift", "take", "failed", "aborting"])
    )
    record["data"] = draw(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3))
    for key in draw(st.lists(st.sampled_from(sorted(RECORD)), max_size=1)):
        record[key] = draw(VALUES)
    return "headline\n\n" + json.dumps(record)


@tries(120)
@given(records_by_hand() | st.text(max_size=30).map(lambda text: f"x\n\n{text}"))
@example("x\n\n" + "[" * 100_000)
def test_a_record_written_by_hand_is_read_or_named(text: str) -> None:
    try:
        (event,) = records.events([(Oid(ONE), text)])
    except LedgerError as error:
        assert ONE[:7] in error.what
        return
    before = Event(kind="begin", at=NOON, by=KIM, run=RunId("r-0123456789ab"))
    history = fold([before, event])
    assert [run.tag for run in history.runs.values()]
    assert records.message(event)


@tries(100)
@given(st.binary(max_size=80) | SAID | st.sampled_from([b"object ", b"type ", b"tag ", b"tagger ", b"\n", b"x"]))
def test_a_tag_object_is_read_or_a_value_error(body: bytes) -> None:
    with suppress(ValueError):
        assert parse_tag(body).object is not None


PLAN = json.loads(to_json(promote.plan(CONFIG, fleet(), asks(source=STG, target=PROD), NOON)))


@st.composite
def plans_by_hand(draw: st.DrawFn) -> str:
    plan = dict(PLAN)
    for key in draw(st.lists(st.sampled_from(sorted(PLAN)), min_size=1, max_size=2)):
        plan[key] = draw(
            VALUES | st.sampled_from(["2026-02-12T07:00:14", "9999-12-31T23:59:59+00:00", 10**30, "\ud800"])
        )
    return json.dumps(plan)


@tries(120)
@given(plans_by_hand() | st.text(max_size=20))
@example(json.dumps({**PLAN, "created": "2026-02-12T07:00:14"}))  # in no zone
@example("[" * 100_000)
@example("\x00")
def test_a_plan_file_is_a_plan_or_the_reason_why_not(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    with suppress(ValueError):
        assert from_json(text).digest
    file = tmp_path_factory.getbasetemp() / "plan.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert saved(file, NOON).digest
    except MultigitError as error:
        assert error.why
        assert error.hint
