"""References to secrets: what repos.yaml has in the place of a password, a token or an address that is one."""

from __future__ import annotations

import re

from multigit.model.names import Name

_SHAPE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


class Reference(Name):
    """`${env:NAME}` and nothing else. It is resolved when it is used; what it stands for is never kept or shown."""

    __slots__ = ()

    @classmethod
    def problem(cls, value: str) -> str:
        """Why `value` is no reference, or ''. It may be a secret, so it is not repeated."""
        return "" if _SHAPE.fullmatch(value) else "write ${env:NAME}: a secret is never written in repos.yaml"

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return str(self)[len("${env:") : -1]
