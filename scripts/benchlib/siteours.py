"""Brings a site as `deploy` does, for the bench: `siteours.py FOLDER DEPLOYMENT`."""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from multigit.model.names import EnvName, Oid, RepoName
from multigit.model.target import Release
from multigit.targets import Clients, s3_site, settings_of


def main(folder: Path, deployment: str) -> int:
    """0 once it serves."""
    commit = Oid(hashlib.sha1(deployment.encode(), usedforsecurity=False).hexdigest())
    release = Release(env=EnvName("prod"), repo=RepoName("site"), commit=commit, deployment=deployment,
                      step="site/deploy", since=datetime.now(UTC))  # fmt: skip
    clients = Clients(folder=folder, clone=folder / "clone")
    settings = settings_of(s3_site, {"bucket": "ours", "source": "dist"})
    if s3_site.current(settings, release, clients).state != "other":
        return 1
    return int(s3_site.poll(settings, s3_site.deploy(settings, release, clients), clients).state != "ok")


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2]))
