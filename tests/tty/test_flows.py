"""The whole command at a terminal: what a person is asked, and nothing happens unless all is agreed to (G4)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.support.gitkit import plain_git
from tests.support.snapshots import changed, snapshot
from tests.tty.test_ask import Terminal

Step = tuple[str, str]
"""What is seen, and what is typed then."""

CHECKLIST = """\
promotions: [{from: dev, to: stg}, {from: stg, to: prod, gates: [checklist]}]
gates: {checklist: {kind: checklist, items: ["staging tested", "롤백 계획"]}}
"""
TICKED: tuple[Step, ...] = (("1/2", ""), ("(y/N)", "y\r"), ("2/2", ""), ("(y/N)", "y\r"))
YES: tuple[Step, ...] = (("Merge stg into prod", ""), ("(y/N)", "y\r"))
PHRASE: tuple[Step, ...] = (("shop main", ""), ("go on:", "shop main\r"))


class Session:
    """Commands typed in the workspace of a fleet."""

    def __init__(self, kit: FleetKit) -> None:
        self.kit = kit
        self.opened: list[Terminal] = []

    def types(self, *words: str, steps: Sequence[Step] = (), term: str = "xterm") -> tuple[int, str]:
        """Run the command, type what the steps say; exit code and all that was written."""
        it = Terminal(command=(sys.executable, "-m", "multigit", *words), term=term)
        self.opened.append(it)
        for seen, keys in steps:
            it.sees(seen)
            if keys:
                it.types(keys)
        code = it.ends()
        assert "Traceback" not in it.raw
        return code, it.raw


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Something waits on stg; the road to production has a checklist."""
    kit = FleetKit.make(tmp_path, ("root", "api"), extra=CHECKLIST)
    kit.commit("api", "stg", {"f.txt": "1\n"}, "feat: f")
    monkeypatch.chdir(kit.work)
    session = Session(kit)
    yield session
    for terminal in session.opened:
        terminal.child.close(force=True)


def everything(kit: FleetKit) -> tuple[dict[str, dict[str, str]], dict[str, tuple[int, bytes]]]:
    return kit.refs(ledger=True, inner=True), snapshot(kit.work)


@pytest.mark.shows("G3", "X4")
@pytest.mark.fault("term-dumb")
@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_staging_asks_once(shop: Session, term: str) -> None:
    shop.kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    code, text = shop.types("promote", "dev", "stg", steps=[("Merge dev into stg", ""), ("(y/N)", "y\r")], term=term)
    assert code == 0
    assert "RELEASED" in text
    assert text.index("to merge") < text.index("(y/N)")
    assert shop.kit.file("api", "stg", "g.txt") == "1"
    code, text = shop.types("promote", "dev", "stg", term=term)
    assert code == 0
    assert "NOTHING TO DO" in text


@pytest.mark.slow
@pytest.mark.shows("G4")
@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_production_is_ticked_agreed_to_and_typed(shop: Session, term: str) -> None:
    code, text = shop.types("promote", "stg", "main", steps=(*TICKED, *YES, *PHRASE), term=term)
    assert code == 0
    assert "After the deployment" in text
    assert shop.kit.file("api", "main", "f.txt") == "1"
    assert "staging tested" in shop.kit.call("show", "last", "--json").out


@pytest.mark.shows("G4")
@pytest.mark.parametrize(
    ("steps", "exits"),
    [
        ((*TICKED[:3], ("(y/N)", "n\r")), 3),
        ((*TICKED[:1], ("(y/N)", "\r")), 3),
        ((*TICKED, *YES[:1], ("(y/N)", "n\r")), 3),
        ((*TICKED, *YES[:1], ("(y/N)", "\r")), 3),
        ((*TICKED, *YES, *PHRASE[:1], ("go on:", "shop stg\r")), 3),
        ((*TICKED, *YES, *PHRASE[:1], ("go on:", "\r")), 3),
        ((*TICKED[:1], ("(y/N)", "\x03")), 130),
        ((*TICKED, *YES[:1], ("(y/N)", "\x03")), 130),
        ((*TICKED, *YES[:1], ("(y/N)", "\x04")), 130),
        ((*TICKED, *YES, *PHRASE[:1], ("go on:", "\x03")), 130),
        ((*TICKED, *YES, *PHRASE[:1], ("go on:", "\x04")), 130),
    ],
)
@pytest.mark.fault("ctrl-c-in-prompt")
def test_any_no_or_interruption_leaves_everything_as_it_was(shop: Session, steps: Sequence[Step], exits: int) -> None:
    before = everything(shop.kit)
    code, text = shop.types("promote", "stg", "main", steps=steps)
    assert code == exits
    assert "nothing was changed" in text
    refs, files = everything(shop.kit)
    assert refs == before[0]
    assert changed(before[1], files) == []


@pytest.mark.shows("G4", "X6")
def test_heads_are_read_again_before_the_last_word(shop: Session) -> None:
    it = Terminal(command=(sys.executable, "-m", "multigit", "promote", "stg", "main"))
    shop.opened.append(it)
    for seen, keys in (*TICKED, *YES[:1]):
        it.sees(seen)
        if keys:
            it.types(keys)
    it.sees("(y/N)")
    theirs = shop.kit.commit("api", "main", {"hot.txt": "1\n"}, "fix: colleague")
    it.types("y\r")
    assert it.ends() == 3
    assert "fix: colleague" in it.raw
    assert "go on:" not in it.raw
    assert shop.kit.head("api", "main") == theirs


@pytest.mark.shows("X3")
def test_yes_is_not_enough_for_production_at_a_terminal_either(shop: Session) -> None:
    before = everything(shop.kit)
    code, text = shop.types("promote", "stg", "main", "--yes")
    assert code == 3
    assert "MG-311" in text
    assert everything(shop.kit)[0] == before[0]


@pytest.mark.slow
@pytest.mark.shows("G4")
def test_the_questions_are_korean_where_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = FleetKit.make(tmp_path, ("root", "api"))
    text = kit.config.replace("system: {name: shop", "system: {lang: ko, name: shop")
    kit.commit("api", "stg", {"f.txt": "1\n"}, "feat: f")
    monkeypatch.chdir(kit.work)
    session = Session(kit)
    six = [step for number in range(1, 7) for step in ((f"{number}/6", ""), ("(y/N)", "y\r"))]
    steps = [("배포 전 확인", ""), *six, ("병합할까요", ""), ("(y/N)", "y\r")]
    code, said = session.types("promote", "stg", "main", "--lang", "ko", steps=[*steps, ("입력하세요", "n\r")])
    assert code == 3
    (kit.work / "repos.yaml").write_text(text, encoding="utf-8")
    code, said = session.types("promote", "stg", "main", steps=[*steps, ("입력하세요", "shop main\r")])
    for terminal in session.opened:
        terminal.child.close(force=True)
    assert code == 0, said
    assert "배포 후 확인" in said
    assert kit.file("api", "main", "f.txt") == "1"


@pytest.mark.slow
@pytest.mark.shows("G11")
def test_a_rollback_is_agreed_to_and_typed(shop: Session) -> None:
    kit = shop.kit
    for number in range(2):
        kit.commit("api", "stg", {f"g{number}.txt": "1\n"}, "feat: g")
        plan = str(kit.root / "p.json")
        tick = ("--override", "checklist=tested")
        kit.call("plan", "stg", "main", "--out", plan, *tick).ok()
        kit.call("promote", "stg", "main", "--plan", plan, "--confirm", "shop main", *tick).ok()
    first = kit.tags("deploy-")[0]
    agreed = [("Take prod back to", ""), ("(y/N)", "y\r"), *PHRASE]
    before = kit.refs(ledger=True, inner=True)
    code, _ = shop.types("rollback", first, steps=[*agreed[:-1], ("go on:", "shop dev\r")])
    assert code == 3
    assert kit.refs(ledger=True, inner=True) == before
    code, _ = shop.types("rollback", first, steps=agreed)
    assert code == 0
    assert kit.tree("api", "main") == kit.tree("api", first)


@pytest.mark.slow
@pytest.mark.shows("G8")
def test_a_hotfix_is_agreed_to_and_typed(shop: Session) -> None:
    clone = shop.kit.clone("api")
    (clone / "app.txt").write_text("hot\n")
    agreed = [("app.txt +1 -3", ""), ("EMERGENCY", ""), ("(y/N)", "y\r"), *PHRASE]
    before = everything(shop.kit)
    code, _ = shop.types("hotfix", "--push", "main", "-m", "fix: hot", steps=[*agreed[:-1], ("go on:", "\x03")])
    assert code == 130
    refs, files = everything(shop.kit)
    assert refs == before[0]
    assert [path for path in changed(before[1], files) if "/.git/objects" not in path] == []
    code, _ = shop.types("hotfix", "--push", "main", "-m", "fix: hot", steps=agreed)
    assert code == 0
    assert shop.kit.file("api", "main", "app.txt") == "hot"
    assert plain_git("status", "--porcelain", at=clone) == ""


@pytest.mark.slow
@pytest.mark.shows("X5")
@pytest.mark.parametrize("verb", ["resume", "abort"])
def test_resume_and_abort_ask(shop: Session, verb: str) -> None:
    kit = shop.kit
    kit.commit("api", "dev", {"g.txt": "1\n"}, "feat: g")
    hook = kit.hosts["api"].path / "hooks/pre-receive"
    kit.hosts["api"].hook("pre-receive", "grep -q refs/tags && exit 1; exit 0")
    kit.promote().exits(4)
    hook.unlink()
    before = kit.refs(ledger=True, inner=True)
    code, text = shop.types(verb, steps=[("promote dev -> stg", ""), ("(y/N)", "n\r")])
    assert code == 3
    code, text = shop.types(verb, steps=[("(y/N)", "\x03")])
    assert code == 130
    assert kit.refs(ledger=True, inner=True) == before
    code, text = shop.types(verb, steps=[("(y/N)", "y\r")])
    assert "OPEN" not in text
    kit.call("status").ok()
    assert len(kit.tags("stg-deploy-", "api")) == 1, "what has landed everywhere is finished either way"
