"""What people read of `infra`: golden/infra-*.txt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multigit.model.infra.changes import Change, Difference, Infrastructure
from multigit.model.names import EnvName
from multigit.ui.infra import done_text, infra_text
from multigit.ui.text import cells
from tests.conftest import Golden
from tests.unit.ui import samples as s

STG = EnvName("stg")
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
LESS = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": "arn:aws:s3:::gli-web/*"}}  # fmt: skip
CHANGES = (
    Change(kind="log-group", name="/gli/api-server/staging", env=STG, action="create",
           differs=(Difference(aspect="days", have=None, want=90), Difference(aspect="errors", have=None, want=""))),
    Change(kind="bucket", name="gli-web", production=True, action="mend",
           differs=(Difference(aspect="versioning", have=False, want=True),)),
    Change(kind="security-group", name="gli-api", env=STG, action="mend", differs=(
        Difference(aspect="allow", have=["tcp 22 from 0.0.0.0/0"], want=["tcp 8000 from gli-lb"]),)),
    Change(kind="role", name="gli-task", env=STG, action="adopt",
           differs=(Difference(aspect="rights", have=POLICY, want=LESS),)),
    Change(kind="cluster", name="gli-api-cluster", production=True, action="unmanaged", fix="--adopt",
           why="exists, not managed by multigit"),
    Change(kind="repository", name="gli-api", production=True, action="unread", why=s.HOSTILE, fix="try again"),
    Change(kind="bucket", name="gli-old", action="unnamed", why="no longer named in repos.yaml; left as it is",
           fix="aws s3 rb s3://gli-old"),
    Change(kind="topic", name="gli-alarms", action="keep"),
)  # fmt: skip
FOUND = Infrastructure(
    title="글리", verb="plan", account="123456789012", region="ap-northeast-2", changes=CHANGES, digest="7f3c9a1e" * 8,
    production=True, phrase="gli main 7f3c9a1e", exit_code=1,
)  # fmt: skip
DONE = replace(
    FOUND, verb="apply", exit_code=4,
    changes=tuple(
        replace(one, outcome="failed", why=s.HOSTILE, fix="docs") if one.kind == "role" else
        replace(one, outcome="left", why="not tried") if one.kind == "security-group" else
        replace(one, outcome="done") if one.does else one
        for one in CHANGES
    ),
)  # fmt: skip


@pytest.mark.parametrize("width", [100, 60])
def test_what_is_shown(golden: Golden, width: int) -> None:
    golden(f"infra-plan-{width}.txt", infra_text(FOUND, width=width) + "\n")
    golden(f"infra-done-{width}.txt", done_text(DONE, width=width) + "\n")


def test_lines_keep_to_the_width_and_hostile_text_is_visible() -> None:
    for text in (infra_text(FOUND, width=60), done_text(DONE, width=60)):
        assert "\x1b" not in text
        for line in text.splitlines():
            assert cells(line) <= 60 or "fix  " in line or "owned" in line  # one long word stays whole
