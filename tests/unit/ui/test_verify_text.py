"""What people read of `verify`: golden/verify-*.txt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multigit.model.drift import Drift, Verified
from multigit.ui.text import cells
from multigit.ui.verify import verified_text
from tests.conftest import Golden
from tests.unit.ui import samples as s

AGREED = Verified(title="글리", repos=8, releases=12, records=37, older_tags=1, last=s.TAG)
PUSH = "git --git-dir=/cache/x.git push --force-with-lease=refs/tags/a: https://git.example.com/x.git b:refs/tags/a"
DRIFTED = replace(
    AGREED,
    env=s.PROD,
    open_run="r-0123456789ab",
    open_by=s.HOSTILE,
    open_phase="landed",
    drifts=(
        Drift(repo=s.API, kind="tag", what=f"tag {s.TAG} is missing", why="it was released on 6e9a9b3", fix=PUSH),
        Drift(repo=s.USER, kind="branch", what=f'main has 1 commit that came past multigit: kim, "{s.HOSTILE}"',
              why=s.HOSTILE, fix="multigit backmerge prod stg"),
        Drift(repo=s.USER, kind="fence", what="the fence is missing: somebody deleted it", why="nothing needs doing"),
        Drift(repo=s.ROOT, kind="ledger", what="x", fix=s.HOSTILE),
    ),
    exit_code=4,
)  # fmt: skip


@pytest.mark.fault("text-escape", "text-osc", "text-bidi", "text-markup", "twenty-columns")
@pytest.mark.parametrize("width", [20, 80, 120])
@pytest.mark.parametrize(("name", "found"), [("verify", DRIFTED), ("verify-agreed", AGREED)])
def test_the_whole_screen(name: str, found: Verified, width: int, golden: Golden) -> None:
    text = verified_text(found, width=width)
    golden(f"{name}.{width}.txt", text + "\n")
    assert not {"\x1b", "\u202e", "\x07", "\r"} & set(text)
    copied = [line for line in text.splitlines() if line.lstrip().startswith("fix ")]
    assert sum(PUSH in line for line in copied) == (found is DRIFTED)  # a command is never broken over lines
    if width > 80:  # no word of a hostile repository is that long
        assert all(cells(line) <= width for line in text.splitlines() if line not in copied)
