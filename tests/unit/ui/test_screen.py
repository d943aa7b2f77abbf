from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from multigit.errors import MultigitError, PartlyApplied, Refused
from multigit.ui import lang
from multigit.ui.outlet import Outlet, width_of
from multigit.ui.screen import Color, Screen
from tests.unit.ui.conftest import Open, Stream
from tests.unit.ui.samples import HOSTILE

MOVED = Refused(
    "gli_api-server: main moved while the plan was waiting",
    why='the plan has 7221481, origin has 91ab33c (kim, 06:58 KST, "hotfix: CORS")',
    hint="multigit plan stg main --out p.json",
    state="nothing was pushed (0 of 8)",
    code="MG-212",
)


@pytest.mark.shows("X9")
def test_an_error_says_what_why_fix_state_and_exit(opened: Open, golden: Callable[[str, str], None]) -> None:
    it = opened()
    it.screen.error(MOVED)
    it.screen.error(MultigitError(HOSTILE, why=f"remote:\n{HOSTILE}"))
    assert it.out.text == ""
    golden("error.txt", it.err.text)


@pytest.mark.shows("X1")
def test_with_json_stdout_is_one_document_and_text_goes_to_stderr(opened: Open) -> None:
    it = opened(json=True)
    it.screen.say("for people")
    it.screen.error(MOVED)
    it.screen.error(MOVED)
    assert json.loads(it.out.text) == {
        "schema": "multigit.error/1", "code": "MG-212", "what": MOVED.what, "why": MOVED.why, "hint": MOVED.hint,
        "state": MOVED.state, "exit_code": 3,
    }  # fmt: skip
    assert it.err.text.startswith("for people\nerror[MG-212]")


def test_an_error_after_the_document_does_not_make_a_second_one(opened: Open) -> None:
    it = opened(json=True)
    it.screen.document({"schema": "multigit.run/1"})
    it.screen.error(PartlyApplied("x"))
    assert json.loads(it.out.text) == {"schema": "multigit.run/1"}
    with pytest.raises(RuntimeError):
        it.screen.document({})


def test_without_json_no_document(opened: Open) -> None:
    it = opened()
    it.screen.document({"a": 1})
    assert it.out.text == ""


@pytest.mark.fault("ascii-stdout", "cp949-stdout")
@pytest.mark.parametrize("encoding", ["ascii", "cp949", "latin-1"])
def test_no_encoding_is_too_small(opened: Open, encoding: str) -> None:
    it = opened(encoding=encoding)
    it.screen.say("결제 😀 |")
    it.screen.warn("환불")
    shown = it.out.text.rstrip("\n")
    assert shown == ("결제 ?? |" if encoding == "cp949" else "???? ?? |")
    document = opened(encoding=encoding, json=True)
    document.screen.document({"subject": "결제 😀"})
    assert json.loads(document.out.text) == {"subject": "결제 😀"}


@pytest.mark.fault("ascii-stdout", "cp949-stdout")
@pytest.mark.parametrize(("encoding", "spoken"), [("utf-8", "ko"), ("cp949", "ko"), ("ascii", "en"), ("latin-1", "en")])
def test_who_cannot_be_shown_korean_is_asked_in_english(opened: Open, encoding: str, spoken: str) -> None:
    assert lang.readable("ko", opened(encoding=encoding).screen.can_show) == spoken


@pytest.mark.fault("no-color", "term-dumb")
@pytest.mark.parametrize(
    ("terminal", "color", "no_color", "term", "colored"),
    [
        (True, "auto", "", "xterm", True),
        (True, "auto", "1", "xterm", False),
        (True, "auto", "", "dumb", False),
        (False, "auto", "", "xterm", False),
        (False, "always", "1", "xterm", True),
        (True, "never", "", "xterm", False),
    ],
)
def test_colour_only_where_it_is_wanted(
    opened: Open, monkeypatch: pytest.MonkeyPatch, terminal: bool, color: Color, no_color: str, term: str, colored: bool
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    it = opened(terminal=terminal, color=color, term=term)
    it.screen.say("PLAN p-1\nwave 1  + gli_api")
    it.screen.error(MOVED)
    assert ("\x1b[" in it.out.text) is colored
    assert ("\x1b[" in it.err.text) is colored


@pytest.mark.fault("text-markup", "text-osc")
def test_markup_in_a_subject_is_text(opened: Open) -> None:
    it = opened(color="always")
    it.screen.say(f"+ {HOSTILE} [red]:smile:")
    assert "[/oops][bold]" in it.out.text
    assert "[red]:smile:" in it.out.text
    assert "\x1b]0;" not in it.out.text


def test_colour_changes_nothing_but_colour(opened: Open) -> None:
    text = "PLAN p-1   stg -> main (prod, PRODUCTION)\n\nwave 1  + 결제   [x]\n  x a  \n" + "long " * 60
    painted = opened(color="always")
    painted.screen.say(text)
    import re

    assert re.sub(r"\x1b\[[\d;]*m", "", painted.out.text) == text.rstrip("\n") + "\n"


def test_quiet_silences_all_but_what_is_confirmed_and_what_went_wrong(opened: Open) -> None:
    it = opened(quiet=True)
    it.screen.say("table")
    it.screen.progress("gli_api", "fetching")
    it.screen.say("the plan", always=True)
    it.screen.warn("odd")
    assert it.out.text == "the plan\n"
    assert it.err.text == "warning: odd\n"


def test_git_commands_are_shown_when_verbose_only(opened: Open) -> None:
    loud, calm = opened(verbose=True), opened()
    loud.screen.detail("git fetch https://a:geheim99@h/x")
    calm.screen.detail("git fetch")
    assert loud.err.text == "git fetch https://***@h/x\n"
    assert calm.err.text == ""


@pytest.mark.fault("piped-yes")
@pytest.mark.parametrize(
    ("stdin", "terminal", "no_input", "asks"),
    [(True, True, False, True), (False, True, False, False), (True, False, False, False), (True, True, True, False)],
)
@pytest.mark.shows("X3")
def test_a_person_can_be_asked_only_at_both_ends_of_a_terminal(
    opened: Open, stdin: bool, terminal: bool, no_input: bool, asks: bool
) -> None:
    assert opened(stdin=stdin, terminal=terminal, no_input=no_input, term="dumb").screen.interactive is asks


@pytest.mark.fault("slow-remote-progress")
def test_progress_without_a_terminal_is_a_dated_line_per_change(opened: Open) -> None:
    it = opened()
    for what in ("fetching", "fetching", "landed"):
        it.screen.progress("gli_api", what)
    it.screen.progress(None, "tagging")
    assert it.err.text.splitlines() == [
        "2026-02-12T06:58:03+09:00 gli_api fetching",
        "2026-02-12T06:58:03+09:00 gli_api landed",
        "2026-02-12T06:58:03+09:00 tagging",
    ]


def test_progress_on_a_terminal_leaves_nothing_behind(opened: Open) -> None:
    it = opened(terminal=True)
    with it.screen:
        it.screen.progress("gli_api", "fetching " + HOSTILE)
        it.screen.progress("gli_api", "landed 결제")
        it.screen.say("done")
    assert "fetching" in it.err.text
    assert "\x1b]0;" not in it.err.text
    assert it.err.text.rstrip().endswith("\x1b[2K")
    assert it.out.text == "done\n"


@pytest.mark.fault("log-forging")
def test_on_github_actions_phases_are_groups_and_errors_annotations(
    opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    it = opened()
    with it.screen:
        it.screen.progress(None, "landing")
        it.screen.progress("gli_api", "::error::forged ##[add-path]x")
        it.screen.progress(None, "tagging")
    it.screen.error(MOVED)
    it.screen.say("  ::warning::forged")
    it.screen.summary("subject ``` ```` end")
    lines = it.err.text.splitlines()
    assert lines[0] == "::group::landing"
    assert "##[" not in lines[1]
    assert lines[2:5] == ["::endgroup::", "::group::tagging", "::endgroup::"]
    commands = [line for line in it.err.text.splitlines() if line.startswith("::error")]
    assert len(commands) == 1
    assert commands[0].startswith("::error title=MG-212::gli_api-server: main moved while the plan was waiting%0A")
    assert it.out.text == "  : :warning::forged\n"
    assert summary.read_text() == "`````text\nsubject ``` ```` end\n`````\n"


def test_a_step_summary_that_cannot_be_written_is_a_warning(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/nowhere/at/all")
    it = opened()
    it.screen.summary("x")
    assert "warning: the step summary was not written" in it.err.text


@pytest.mark.fault("twenty-columns")
@pytest.mark.parametrize(("columns", "width"), [("7", 20), ("100", 100), ("many", 120), ("", 120), ("0", 120)])
def test_width_is_at_least_twenty(columns: str, width: int) -> None:
    assert width_of(Outlet(Stream()), columns) == width


def test_missing_streams_are_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    screen = Screen.open()
    screen.say("x")
    screen.error(MOVED)
    assert not screen.interactive


CHATTY = (
    "from multigit.ui.screen import Screen\ns = Screen.open()\nfor n in range({n}): s.say('x' * 1000)\nprint('end')\n"
)


@pytest.mark.fault("closed-stdout")
def test_a_reader_that_leaves_does_not_stop_the_run() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHATTY.format(n=500) + "import sys; sys.stderr.write('went on')"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b"went on"
        assert process.wait(30) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_remembered() -> None:
    with Path("/dev/full").open("w") as full:
        outlet = Outlet(full)
        outlet.write("x")
        outlet.write("y")
    assert "No space left" in outlet.lost


@pytest.mark.fault("closed-stdout")
def test_closed_stdout_from_the_start() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "{sys.executable}" -c "{CHATTY.format(n=3)}" >&-'], env=dict(os.environ),
        stderr=subprocess.PIPE, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")


def test_no_slow_package_is_loaded_for_plain_text() -> None:
    code = (
        "import sys\nfrom multigit.ui import plans, reports, tables\nfrom multigit.ui.screen import Screen\n"
        "Screen.open().say('x')\n"
        "print([m for m in ('rich', 'questionary', 'prompt_toolkit', 'pydantic', 'git', 'click') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "x\n[]\n"
