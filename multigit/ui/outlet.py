"""One way out: a stream that may be missing, closed by its reader, not a terminal, or of a small encoding."""

from __future__ import annotations

import contextlib
import io
import os
from typing import IO

from multigit.ui.encoding import carried, encoding_of, safe


class Outlet:
    """A text stream on which writing never raises; `lost` says what could not be written."""

    def __init__(self, stream: IO[str] | None) -> None:
        self.stream = stream
        self.encoding = encoding_of(stream)
        self.terminal = is_terminal(stream)
        self.closed = stream is None or stream.closed
        """The reader went away (`| head`) or there never was one; what is written goes nowhere, the run goes on."""
        self.lost = ""
        """Why text was lost for another reason, for example a full disk."""

    def write(self, text: str) -> None:
        """`text` made safe and fit for the encoding, at once."""
        self.write_raw(carried(self.encoding, safe(text)))

    def write_raw(self, text: str) -> None:
        """`text` as it is: colours that this program put there itself."""
        if self.closed or self.stream is None:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError:
            self._give_up()
        except (OSError, ValueError) as problem:
            self.lost = str(problem)
            self._give_up()

    def _give_up(self) -> None:
        """Let what is still buffered go to /dev/null, or the interpreter complains when it ends (docs, `SIGPIPE`)."""
        self.closed = True
        with contextlib.suppress(OSError, ValueError, AttributeError, io.UnsupportedOperation):
            assert self.stream is not None
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person may be at the other end; no for a stream that is missing or closed."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def width_of(outlet: Outlet, columns: str, *, otherwise: int = 120) -> int:
    """Cells per line: COLUMNS if it is a number, the terminal's own width, or `otherwise`; at least 20."""
    if columns.isdecimal() and int(columns) > 0:
        return max(20, int(columns))
    if outlet.terminal and outlet.stream is not None:
        with contextlib.suppress(OSError, ValueError):
            return max(20, os.get_terminal_size(outlet.stream.fileno()).columns or 80)
    return otherwise
