"""Names of the refs that multigit has in every repository: neither branches nor tags, so no clone fetches them."""

from __future__ import annotations

from typing import Final

FENCE: Final = "refs/multigit/fence"
"""Says which run was here last and how it ended. Of two runs, only one can move it."""
STAGE: Final = "refs/multigit/stage/"
"""By run: its objects, while it is under way."""
KEPT: Final = "refs/multigit/kept/"
"""By run: the tip of a branch that was rewound."""
APPROVALS: Final = "refs/multigit/approvals/"
"""By run, then by person; in the home repository only."""
PROBE: Final = "refs/multigit/probe/"
"""What `doctor --write` pushes and deletes."""
