"""A pytest plugin that ends the run with what was explored: states, and which broken variants were caught.

Tests record "states" (how many), "violation" (what) and "mutant" (its name, and whether it was caught); the records
come home from xdist's workers with their reports.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line, where anything was explored."""
    found = list(_recorded(terminalreporter))
    states = [value for name, value in found if name == "states" and isinstance(value, int)]
    if not states:
        return
    wrong = sum(name == "violation" for name, _ in found)
    mutants = {
        str(value[0]): bool(value[1]) for name, value in found if name == "mutant" and isinstance(value, list | tuple)
    }
    caught = sorted(name for name, was in mutants.items() if was)
    line = f"explorer: {sum(states):,} states, {wrong} violations; mutants: {len(caught)} of {len(mutants)} caught"
    terminalreporter.write_line(f"{line} ({', '.join(caught)})" if caught else line)


def _recorded(terminalreporter: pytest.TerminalReporter) -> Iterator[tuple[str, object]]:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and report.when == "call":
                yield from report.user_properties
