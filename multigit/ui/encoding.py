"""Text for a stream that cannot carry every character: replaced cell for cell, so that columns stay straight."""

from __future__ import annotations

import codecs
import re
from typing import IO

from multigit.model.urls import hide_secrets
from multigit.ui.text import cells, visible


def encoding_of(stream: IO[str] | None) -> str:
    """Name of the stream's encoding, `utf-8` where it does not say or Python does not know it."""
    name = getattr(stream, "encoding", None) or "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "ascii"


def carries(encoding: str, text: str) -> bool:
    """Whether `text` can be written in `encoding` without loss."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def carried(encoding: str, text: str) -> str:
    """`text` with what `encoding` lacks replaced by as many question marks as it is cells wide."""
    if carries(encoding, text):
        return text
    return "".join(c if carries(encoding, c) else "?" * max(1, cells(c)) for c in text)


def safe(text: str) -> str:
    """The last barrier before a terminal: what was forgotten upstream is made visible, secrets are hidden; line feeds
    stay.
    """
    return "\n".join(visible(line) for line in hide_secrets(text).split("\n"))


_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def no_workflow_command(text: str) -> str:
    """`text` in which GitHub's runner finds no `::command` at a line's beginning and no `##[command]` anywhere."""
    return _COMMAND.sub(r"\1: ", text).replace("##[", "## [")


def workflow_data(text: str) -> str:
    """`text` as the value of a workflow command (docs.github.com, "Workflow commands"): % CR LF are escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """`text` as a property of a workflow command, where `:` and `,` are escaped as well."""
    return workflow_data(text).replace(":", "%3A").replace(",", "%2C")
