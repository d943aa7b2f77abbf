"""doctor --write at a terminal: a throw-away ref is pushed only after a yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fleetkit import FleetKit
from tests.tty.test_flows import Session


@pytest.mark.slow
@pytest.mark.parametrize(("key", "code", "pushed"), [("n\r", 3, False), ("y\r", 0, True)])
def test_a_person_is_asked_before_anything_is_pushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, code: int, pushed: bool
) -> None:
    kit = FleetKit.make(tmp_path, ("root",))
    kit.hosts["root"].hook("pre-receive", f"touch {tmp_path}/pushed")
    monkeypatch.chdir(kit.work)
    person = Session(kit)
    steps = (("throw-away refs below refs/multigit/probe/ to 1 remote", ""), ("(y/N)", key))
    try:
        assert person.types("doctor", "--write", steps=steps)[0] == code
    finally:
        person.opened[-1].child.close(force=True)
    assert (tmp_path / "pushed").exists() == pushed
    assert not any(ref.startswith("refs/multigit") for ref in kit.hosts["root"].refs())
