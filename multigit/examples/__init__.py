"""repos.yaml of five systems, as presets: `multigit init --example gli`."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import resources

from multigit.errors import UsageError


def example_names() -> tuple[str, ...]:
    """Names of the presets, sorted."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def example(name: str) -> str:
    """Text of the preset `name`. UsageError where there is none."""
    known = example_names()
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"known: {', '.join(known)}"
        raise UsageError(f'there is no example "{name}"', hint=hint, code="MG-204")
    return resources.files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
