"""Small commits that lie about in a mirror, such as the fences this machine has pushed: no ref need hold them."""

from __future__ import annotations

import re

from multigit.model.names import Oid
from multigit.vcs import read
from multigit.vcs.mirror import Mirror
from multigit.vcs.run import git

_SMALL = 2_000
"""Bytes; a fence has some three hundred."""
_LOOSE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def small_commits(mirror: Mirror) -> dict[Oid, bytes]:
    """Those that a ref of the mirror names or that lie loose in it: nothing is ever packed or pruned there by us."""
    named = git("for-each-ref", "--format=%(objectname)", at=mirror.path).out.decode().split()
    loose = (f"{path.parent.name}{path.name}" for path in (mirror.path / "objects").glob("[0-9a-f][0-9a-f]/*"))
    asked = sorted({*named, *(name for name in loose if _LOOSE.fullmatch(name))})
    stdin = "".join(f"{oid}\n" for oid in asked).encode()
    args = ("cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)")
    rows = [line.split() for line in git(*args, at=mirror.path, stdin=stdin).out.decode().splitlines()]
    wanted = [Oid(row[0]) for row in rows if len(row) == 3 and row[1] == "commit" and int(row[2]) < _SMALL]
    return {oid: body for oid, (_, body) in read.objects(mirror, wanted).items()}
