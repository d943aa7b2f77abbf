"""Colours. Screens are plain text with marks in known places; this adds colour to the marks and nothing else."""

from __future__ import annotations

import io

_STYLES = (
    (r"(?m)^error\[MG-\d+\]", "bold red"),
    (r"(?m)^warning:", "bold yellow"),
    (r"(?m)^(PLAN|ROLLBACK|HOTFIX|PULL|CLONE|Plan:)(?= |$)", "bold"),
    (r"(?m)^\[OK\]", "green"),
    (r"(?m)^\[NG\]", "bold red"),
    (r"(?m)^\[!!\]", "yellow"),
    (r"\bEMERGENCY\b|\bPRODUCTION\b", "bold red"),
    (r"(?m)^(wave \d+  |        |  |)\+(?= )", "green"),
    (r"(?m)^(wave \d+  |        |  |)x(?= )", "bold red"),
    (r"(?m)^(wave \d+  |        |  |)!(?= )", "yellow"),
    (r"(?m)^(gates|fix|next|how|then|saved|why|state|wave \d+)(?= )", "dim"),
)


def painted(text: str) -> str:
    """`text` with ANSI colours on its marks. Never reads markup: `[/x]` in a subject stays what it is."""
    from rich.console import Console
    from rich.text import Text

    styled = Text(text)
    for pattern, style in _STYLES:
        styled.highlight_regex(pattern, style)
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=True,
        color_system="standard",
        no_color=False,
        highlight=False,
        markup=False,
        width=9999,
    )
    console.print(styled, soft_wrap=True, end="")
    return out.getvalue()
