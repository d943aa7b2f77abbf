"""config check and show, and the file that `init` writes."""

from __future__ import annotations

from pathlib import Path

from multigit.app.session import Session
from multigit.checks import settings_of
from multigit.configfile import FILE, parse
from multigit.errors import UsageError
from multigit.examples import example, example_names
from multigit.model.documents import ConfigDocument
from multigit.plugins import load
from multigit.ui.documents import document
from multigit.ui.screen import Screen


def check(session: Session, screen: Screen) -> int:
    """Reading the file has checked it; what the gates themselves understand is checked here."""
    config = parse(session.loaded.path.read_bytes(), session.loaded.path.name)  # also what was checked before
    for gate in config.gates.values():
        settings_of(load("checks", gate.kind), gate.settings)
    screen.say(
        f"{session.loaded.path.name}: {len(config.repos)} repositories, {len(config.environments)} environments: ok"
    )
    for note in session.loaded.notes:
        screen.say(f"note    {note}")
    screen.document(document("", _document(session)))
    return 0


def show(session: Session, screen: Screen) -> int:
    """The configuration as it is understood."""
    text = document("", _document(session))
    if screen.json:
        screen.document(text)
    else:
        screen.say(text)
    return 0


def _document(session: Session) -> ConfigDocument:
    return ConfigDocument(file=str(session.loaded.path), digest=session.loaded.digest, config=session.config)


def write_example(screen: Screen, folder: Path, name: str) -> int:
    """`init --example NAME`."""
    if name not in example_names():
        raise UsageError(f"there is no example called {name!r}", hint=f"known: {', '.join(example_names())}")
    return _write(screen, folder, example(name))


def write_scanned(screen: Screen, folder: Path, text: str) -> int:
    """`init --scan DIR`: what was found is checked before it is written."""
    parse(text.encode(), FILE)
    return _write(screen, folder, text)


def _write(screen: Screen, folder: Path, text: str) -> int:
    path = folder / FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{path} is there already", hint=f"multigit config check, or move it away: mv {FILE} {FILE}.old"
        ) from None
    screen.say(f"wrote {path}\nnext  multigit config check | multigit status")
    return 0
