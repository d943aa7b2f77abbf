"""scripts/test tries a little; `pytest tests/fuzz --hypothesis-profile=fuzz --timeout 3600` fifty times as much."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("fuzz", max_examples=5_000, deadline=None)
