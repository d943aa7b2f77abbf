"""status: where every repository is, what waits, what is owed, what is half done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from multigit.app import alarms, look, remembered
from multigit.app.gaps import distances
from multigit.app.session import Session
from multigit.errors import MultigitError
from multigit.model.config import Environment
from multigit.model.fleet import Fleet, RepoState
from multigit.model.names import RepoName, Tag
from multigit.model.summary import Status, StatusRow
from multigit.model.summary import status as summed_up
from multigit.tagschemes import matching
from multigit.ui.screen import Screen
from multigit.ui.tables import status_text
from multigit.ui.text import ago

_TOGETHER: Final = timedelta(minutes=1)
"""What was seen within it was seen in one look."""


def status(session: Session, screen: Screen) -> int:
    """Where every repository is now."""
    asked = alarms.asked(session)  # while the hosts are asked
    seen = look.fleet(session, tuple(session.config.environments.values()))
    remembered.remember_ledger(session, seen.history)
    summary = _summary(session, seen)
    return _tell(session, screen, replace(summary, alarms=alarms.told(asked)) if asked else summary)


def remembered_status(session: Session, screen: Screen) -> int:
    """The same without the network, as of the last look; MultigitError where there was none."""
    seen, times, ledger = remembered.fleet(session)
    selection = session.selection()
    shown = {name: at for name, at in times.items() if selection is None or name in selection}
    if not shown:
        why = "multigit has not looked at these repositories from here yet"
        raise MultigitError("there is nothing to tell without asking the hosts", why=why, hint="multigit status")
    older = {name: at for name, at in shown.items() if max(shown.values()) - at >= _TOGETHER}
    summary = _summary(session, seen, offline=True, older=older)
    rows = tuple(_aged(row, older, summary.at) for row in summary.rows)
    if not ledger:
        screen.warn("open runs and holds are not known here: multigit status")
    refresh = ("multigit status", *(command for command in summary.next if summary.open_run))
    return _tell(session, screen, replace(summary, as_of=min(shown.values()), rows=rows, next=refresh))


def _summary(session: Session, seen: Fleet, *, offline: bool = False, older: Collection[RepoName] = ()) -> Status:
    config = session.config
    seen, gaps = distances(session, seen, offline=offline)
    last = next((env for env in reversed(list(config.environments.values())) if env.tag), None)
    newest = {state.repo: tag for state in seen.repos if (tag := _newest(state, last))}
    return summed_up(config, seen, gaps, newest, session.now(), session.selection(), older)


def _tell(session: Session, screen: Screen, summary: Status) -> int:
    screen.close()
    screen.say(status_text(summary, width=screen.width, zone=session.zone, now=summary.at))
    screen.document(summary)
    return summary.exit_code


def _newest(state: RepoState, env: Environment | None) -> Tag | None:
    known = matching(env.tag, state.tags.keys()) if env and env.tag else []
    return known[-1] if known else None


def _aged(row: StatusRow, older: Mapping[RepoName, datetime], now: datetime) -> StatusRow:
    """A row that is older than the newest says so."""
    seen = older.get(row.repo)
    return replace(row, notes=(*row.notes, f"seen {ago(seen, now)}")) if seen else row
