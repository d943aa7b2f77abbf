"""Names that hosts may have and that look like others: git takes them, so they arrive."""

from __future__ import annotations

from pathlib import Path

import pytest

from multigit.model.names import RepoName, Tag
from multigit.vcs.lsrefs import survey
from tests.support.gitkit import bare


@pytest.mark.fault("porcelain-z")
@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85"])
def test_a_tag_with_a_line_end_in_its_name_is_no_other_tag(tmp_path: Path, end: str) -> None:
    host = bare(tmp_path / "host")
    released, other = host.commit({"a": "1"}), host.commit({"a": "2"})
    host.git("update-ref", "refs/tags/deploy-1", released)
    host.git("update-ref", f"refs/tags/deploy-1{end}x", other)
    host.git("update-ref", f"refs/tags/deploy-2{end}x", other)
    tags = survey(RepoName("api"), host.url, [], ["deploy-*"]).tags
    assert tags[Tag("deploy-1")].commit == released
    assert "deploy-2" not in tags
