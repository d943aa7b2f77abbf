"""`python -m multigit` is the command `multigit`."""

from multigit.cli import main

raise SystemExit(main())
