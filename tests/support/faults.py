"""docs/faults.md: which tests show which fault of faultlist.py. `python -m tests.support.faults` writes it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support import shown
from tests.support.faultlist import SECTIONS, WHY_NOT

PAGE = shown.ROOT / "docs" / "faults.md"
_FRONT = """\
# Faults and bad input: what happens then, and the tests that show it

Made by `python -m tests.support.faults`; a test keeps it true.

Everywhere: an exit code that is not 0 (unless stated), no traceback, the ledger stays true, a second run is safe, and
the message says what changed so far.
"""


def known() -> dict[str, str]:
    """Id and text of every fault, in the catalogue's order."""
    return {one: says for faults in SECTIONS.values() for one, says in faults.items()}


def tested() -> dict[str, list[str]]:
    """Fault to tests, as `file::test`."""
    return shown.shown("fault")


def mistakes() -> list[str]:
    """Every way in which catalogue and markers disagree, in words."""
    ids, tests = known(), tested()
    return [
        *(f"{one} is no fault of the catalogue: {', '.join(tests[one])}" for one in tests if one not in ids),
        *(f"{one} has a reason in WHY_NOT and is not in the catalogue" for one in WHY_NOT if one not in ids),
        *(f"{one} has neither a test nor a reason" for one in ids if one not in tests and one not in WHY_NOT),
        *(f"{one} has a test and a reason why it has none" for one in ids if one in tests and one in WHY_NOT),
    ]


def page() -> str:
    """The page, whole."""
    tests = tested()
    lines = [_FRONT]
    for section, faults in SECTIONS.items():
        lines += [f"## {section}", "", "| Id | Fault, and what happens | Shown by |", "|---|---|---|"]
        lines += [f"| {one} | {_cell(says)} | {'<br>'.join(_answers(one, tests))} |" for one, says in faults.items()]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _answers(one: str, tests: dict[str, list[str]]) -> Iterator[str]:
    yield from (f"`{test}`" for test in tests.get(one, ()))
    if one in WHY_NOT:
        yield f"no test: {_cell(WHY_NOT[one])}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
