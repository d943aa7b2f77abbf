"""How the models of repos.yaml are checked: unknown keys and lenient conversions are refused."""

from __future__ import annotations

from typing import Any


def _plain(name: str) -> str:
    return name.removesuffix("_")


STRICT: Any = {"extra": "forbid", "strict": True, "use_attribute_docstrings": True, "alias_generator": _plain}
