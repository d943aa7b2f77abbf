from __future__ import annotations

import botocore.loaders
import botocore.session
import pytest

_LOADER = botocore.loaders.create_loader()


@pytest.fixture(autouse=True)
def one_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the services look like is read once for all tests: it takes seconds."""
    monkeypatch.setattr("botocore.loaders.create_loader", lambda *_: _LOADER)
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: _LOADER)
