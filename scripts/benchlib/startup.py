"""How long it takes until a command can begin, and what needs no host at all."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchlib.contestants import OURS, WIDTH, in_shell, own
from benchlib.measure import timed
from benchlib.races import Race
from benchlib.workspace import Workspace

_EMPTY = {"python -c pass": [sys.executable, "-c", "pass"]}
# What a shell asks multigit when somebody presses TAB after `multigit pro`.
_TAB = {"_MULTIGIT_COMPLETE": "bash_complete", "COMP_WORDS": "multigit pro", "COMP_CWORD": "1"}
_LOCAL = (
    "git rev-list --count origin/stg..origin/dev; git rev-list --count origin/main..origin/stg; "
    "git describe --tags --abbrev=0 origin/stg"
)


@dataclass(frozen=True, slots=True)
class Start:
    """`rivals`: commands by name."""

    what: str
    argv: Sequence[str]
    rivals: Mapping[str, Sequence[str]]
    more: Mapping[str, str] = field(default_factory=dict)


def start_up(space: Workspace, program: str | None, times: int) -> list[Race]:
    """Each `times` times, in turns with its rivals."""
    words = own(program)
    starts = [
        Start("--version", [*words, "--version"], _EMPTY | {"git --version": ["git", "--version"]}),
        Start("--help", [*words, "--help"], _EMPTY),
        Start("completion of a word", words, _EMPTY, _TAB),
    ]
    if _knows(words, "--no-fetch"):
        one = shlex.quote(f'cd "{space.work}/$1"; {_LOCAL}')
        rival = in_shell(f'printf "%s\\n" "$@" | xargs -P{WIDTH} -n1 sh -c {one} each', space)
        starts.append(Start("status --no-fetch", [*words, "status", "--no-fetch"], {f"xargs -P{WIDTH}": rival}))
    return [_race(one, space, times) for one in starts]


def _race(start: Start, space: Workspace, times: int) -> Race:
    race = Race(start.what)
    environment = {**space.environment(), **start.more}
    for number in range(times + 1):
        for name, argv in {OURS: start.argv, **start.rivals}.items():
            took = timed(argv, space.work, environment)
            if number:  # the first one reads the files
                race.of(name).times.append(took)
    return race


def _knows(words: Sequence[str], option: str) -> bool:
    told = subprocess.run([*words, "status", "--help"], capture_output=True, text=True, check=False)
    return option in told.stdout
