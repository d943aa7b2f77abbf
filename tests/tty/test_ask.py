"""Questions on a real pseudo terminal, drawn by pyte: what a person sees, types, and gets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

ASKER = str(Path(__file__).with_name("asker.py"))
QUESTION = "Merge stg into main?"


class Terminal:
    """A program on a pseudo terminal of 80 x 24, and the screen it has drawn."""

    def __init__(self, *arguments: str, term: str = "xterm", command: tuple[str, ...] = ()) -> None:
        self.display = pyte.Screen(80, 24)
        self._stream = pyte.Stream(self.display)
        argv = command or (sys.executable, ASKER, *arguments)
        env: dict[str, str] = {**os.environ, "TERM": term, "LANG": "C.UTF-8"}
        self.child = pexpect.spawn(argv[0], list(argv[1:]), env=env, encoding="utf-8", timeout=20, dimensions=(24, 80))
        self.child.logfile_read = self
        self.raw = ""

    def write(self, text: str) -> None:
        self.raw += text
        self._stream.feed(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def sees(self, text: str) -> None:
        """Wait until the program has written `text`."""
        self.child.expect_exact(text)

    def types(self, keys: str) -> None:
        self.child.send(keys)

    def ends(self) -> int:
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus is not None, f"ended by signal {self.child.signalstatus}"
        return self.child.exitstatus

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.display.display).rstrip()


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.child.close(force=True)


@pytest.mark.shows("X3")
@pytest.mark.parametrize(
    ("keys", "answer"),
    [("y\r", True), ("Y\r", True), ("n\r", False), ("\r", False), ("q\r", False), ("yn\r", False), ("ㅛ한글\r", False)],
)
def test_only_a_clear_yes_is_yes(terminals: list[Terminal], keys: str, answer: bool) -> None:
    it = Terminal("yes", QUESTION)
    terminals.append(it)
    it.sees("(y/N)")
    it.types(keys)
    it.sees(f"answer: {answer}")
    assert it.ends() == 0
    assert QUESTION in it.text


@pytest.mark.fault("term-dumb")
@pytest.mark.parametrize(
    ("keys", "answer"), [("y\r", True), ("yes\r", True), ("\r", False), ("no\r", False), ("네\r", True)]
)
def test_a_dumb_terminal_is_asked_by_the_line(terminals: list[Terminal], keys: str, answer: bool) -> None:
    it = Terminal("yes", QUESTION, term="dumb")
    terminals.append(it)
    it.sees(f"{QUESTION} (y/N)")
    it.types(keys)
    it.sees(f"answer: {answer}")
    assert it.ends() == 0
    assert "\x1b" not in it.raw


@pytest.mark.shows("G4")
@pytest.mark.parametrize("term", ["xterm", "dumb"])
@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize("question", ["yes", "typed", "tick"])
@pytest.mark.fault("ctrl-c-in-prompt")
def test_ctrl_c_and_ctrl_d_stop_everything(terminals: list[Terminal], question: str, key: str, term: str) -> None:
    it = Terminal(question, "gli main", term=term)
    terminals.append(it)
    it.sees("입력하세요" if question == "typed" else "(y/N)")
    it.types(key)
    assert it.ends() == 130
    assert "error[MG-130] stopped at a question" in it.text
    assert "nothing was changed" in it.text
    assert "Traceback" not in it.raw
    assert "answer:" not in it.text


@pytest.mark.shows("G4")
@pytest.mark.parametrize(
    ("phrase", "keys", "answer", "term"),
    [
        ("gli main", "gli main\r", True, "xterm"),
        ("gli main", " gli main \r", True, "xterm"),
        ("gli main", "gli stg\r", False, "xterm"),
        ("gli main", "GLI MAIN\r", False, "xterm"),
        ("gli main", "y\r", False, "xterm"),
        ("gli main", "\r", False, "xterm"),
        ("운영 배포", "운영 배포\r", True, "xterm"),
        ("운영 배포", "\u110b\u116e\u11ab\u110b\u1167\u11bc 배포\r", True, "xterm"),
        ("gli main", "gli main\r", True, "dumb"),
        ("gli main", "gli stg\r", False, "dumb"),
        ("운영 배포", "운영 배포\r", True, "dumb"),
    ],
)
def test_production_is_confirmed_by_its_phrase_alone(
    terminals: list[Terminal], phrase: str, keys: str, answer: bool, term: str
) -> None:
    it = Terminal("typed", phrase, term=term)
    terminals.append(it)
    it.sees("입력하세요:")
    it.types(keys)
    it.sees(f"answer: {answer}")
    assert it.ends() == 0


@pytest.mark.shows("G4")
def test_a_checklist_is_ticked_item_by_item_and_a_no_ends_it(terminals: list[Terminal]) -> None:
    it = Terminal("tick", "ko")
    terminals.append(it)
    for number in (1, 2):
        it.sees(f"{number}/6")
        it.sees("(y/N)")
        it.types("y\r")
    it.sees("3/6")
    it.sees("(y/N)")
    it.types("\r")
    it.sees("answer: 2")
    assert it.ends() == 0
    assert "데" in it.text
    assert "4/6" not in it.text


def test_keys_typed_ahead_do_not_tick_the_next_item(terminals: list[Terminal]) -> None:
    it = Terminal("tick", "en")
    terminals.append(it)
    it.sees("1/6")
    it.sees("(y/N)")
    it.types("y\ry\ry\ry\ry\ry\r")
    it.sees("2/6")
    it.sees("(y/N)")
    it.types("n\r")
    it.sees("answer: 1")
    assert it.ends() == 0


@pytest.mark.fault("text-escape")
def test_a_hostile_question_draws_nothing(terminals: list[Terminal]) -> None:
    it = Terminal("yes", "merge \x1b[2Jx\u202e?")
    terminals.append(it)
    it.sees("(y/N)")
    assert r"merge \x1b[2Jx\u202e?" in it.text
    it.types("n\r")
    assert it.ends() == 0


@pytest.mark.shows("X3")
@pytest.mark.fault("piped-yes")
@pytest.mark.parametrize("question", ["yes", "typed", "tick"])
def test_a_piped_answer_is_refused_and_stdin_is_not_read(question: str) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"yes\n")
    done = subprocess.run(
        [sys.executable, ASKER, question, "gli main"],
        stdin=reader,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 3
    assert "error[MG-313] nobody can be asked" in done.stderr
    assert "--confirm PHRASE" in done.stderr
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    os.set_blocking(reader, False)
    assert os.read(reader, 10) == b"yes\n"
    os.close(reader)
    os.close(writer)


@pytest.mark.shows("X3")
@pytest.mark.fault("piped-yes")
@pytest.mark.parametrize("redirect", ["</dev/null", "2>/dev/null", "<<<yes"])
def test_one_end_that_is_no_terminal_is_enough_to_refuse(terminals: list[Terminal], redirect: str) -> None:
    script = f'"{sys.executable}" "{ASKER}" yes "{QUESTION}" {redirect}; echo "exit $?"'
    it = Terminal(command=("/bin/bash", "-c", script))
    terminals.append(it)
    it.sees("exit 3")
    assert it.ends() == 0
    assert "answer:" not in it.text


def test_prompts_leave_stdout_alone(terminals: list[Terminal], tmp_path: Path) -> None:
    saved = tmp_path / "out"
    it = Terminal(command=("/bin/bash", "-c", f'"{sys.executable}" "{ASKER}" yes "{QUESTION}" >"{saved}"'))
    terminals.append(it)
    it.sees("(y/N)")
    it.types("y\r")
    assert it.ends() == 0
    assert saved.read_text() == "answer: True\n"
