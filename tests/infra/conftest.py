from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import botocore.loaders
import botocore.session
import pytest
from moto import mock_aws

from tests.support.cloud import ONE_OF_EACH, Cloud, watched

_LOADER = botocore.loaders.create_loader()


@pytest.fixture
def one_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the services look like is read once for all tests: it takes seconds."""
    monkeypatch.setattr("multigit.app.infra._PAUSE", 0)
    monkeypatch.setattr("botocore.loaders.create_loader", lambda *_: _LOADER)
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: _LOADER)


@pytest.fixture
def cloud(tmp_path: Path, one_loader: None) -> Iterator[Cloud]:
    """An empty account, and a repos.yaml that wants one of each kind in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    with mock_aws(), watched(Cloud(folder)) as cloud:
        cloud.write(ONE_OF_EACH)
        yield cloud
