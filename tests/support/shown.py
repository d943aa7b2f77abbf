"""docs/coverage.md: which tests show which promise of docs/goals.md. `python -m tests.support.shown` writes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "coverage.md"


def goals() -> dict[str, str]:
    """Id and text of every promise, in the page's order."""
    text = (ROOT / "docs" / "goals.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| ([A-Z]\d+) \| (.+) \|$", text, flags=re.MULTILINE))


def shown(mark: str = "shows") -> dict[str, list[str]]:
    """Promise to tests, as `file::test`; with `mark`, what another marker names."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, ids in _marked(ast.parse(path.read_text(encoding="utf-8")), mark):
            for one in ids:
                found.setdefault(one, []).append(f"{path.relative_to(ROOT / 'tests')}::{name}")
    return found


def _marked(module: ast.Module, mark: str) -> Iterator[tuple[str, list[str]]]:
    whole = [i for node in module.body if isinstance(node, ast.Assign) for i in _ids([node.value], mark)]
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith(("test", "fleet")):
            ids = whole + _ids(node.decorator_list, mark)
            if ids:
                yield node.name, sorted(set(ids))


def _ids(nodes: list[ast.expr], mark: str) -> list[str]:
    calls = [
        c for node in nodes for c in ast.walk(node) if isinstance(c, ast.Call) and isinstance(c.func, ast.Attribute)
    ]
    arguments = [
        arg for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == mark for arg in call.args
    ]
    return [str(arg.value) for arg in arguments if isinstance(arg, ast.Constant)]


def page() -> str:
    """The page, whole."""
    known, tests = goals(), shown()
    lines = [
        "# Which tests show which promise",
        "",
        "Made by `python -m tests.support.shown`; a test keeps it true.",
        "",
    ]
    missing = [one for one in known if one not in tests]
    lines += [f"Without a test: {', '.join(missing) or 'none'}.", ""]
    for one, text in known.items():
        lines += [f"## {one}", text, "", *(f"- `{test}`" for test in tests.get(one, ())), ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
