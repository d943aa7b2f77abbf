"""Checked names: a bare `str` never travels as a branch, a tag or an object id.

Each class is a `str` whose constructor refuses what git, a file system or a shell could
misread (git-check-ref-format(1), gitrepository-layout(5)); the error says what is allowed.
"""

from __future__ import annotations

import re
from typing import Any, Self

_REPO = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_ENV = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RUN = re.compile(r"r-[0-9a-f]{12}")
_DEPLOYMENT = re.compile(r"d-[0-9a-f]{12}")
_REF_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)")


class Name(str):
    """A string with a constructor that says no. Pydantic reads it through that constructor."""

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        problem = cls.problem(value)
        if problem:
            raise ValueError(problem)
        return super().__new__(cls, value)

    @classmethod
    def problem(cls, value: str) -> str:
        """Why `value` is not such a name, or ''."""
        return "" if value else "must not be empty"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(strict=True), serialization=core_schema.to_string_ser_schema()
        )


class RepoName(Name):
    """Key of a repository in repos.yaml; also its folder and its name on the host by default."""

    __slots__ = ()

    @classmethod
    def problem(cls, value: str) -> str:
        if not _REPO.fullmatch(value) or ".." in value or value.lower().endswith((".git", ".lock")):
            return (
                f"{value!r} is no repository name: letters, digits, '.', '_' and '-' are allowed, "
                "at most 100, not starting with '.' or '-' nor ending in .git or .lock"
            )
        return ""


class EnvName(Name):
    """Id of an environment (`dev`, `stg`, `prod`)."""

    __slots__ = ()

    @classmethod
    def problem(cls, value: str) -> str:
        if not _ENV.fullmatch(value):
            return f"{value!r} is no environment id: a lower-case letter, then a-z, 0-9, '_' or '-', at most 40"
        return ""


class Ref(Name):
    """Short name of a ref, by the rules of git-check-ref-format(1)."""

    __slots__ = ()
    prefix = "refs/"

    @classmethod
    def problem(cls, value: str) -> str:
        if (
            not value
            or len(value) > 200
            or value.startswith(("-", "/", "."))
            or value.endswith(("/", "."))
            or value in ("@", "HEAD")
            or _REF_FORBIDDEN.search(value)
        ):
            return f"{value!r} is not a name git accepts for a branch or tag (git check-ref-format)"
        return ""

    @property
    def full(self) -> str:
        """The full ref, the only form ever given to git: a tag and a branch may share a short name."""
        return self.prefix + str(self)


class Branch(Ref):
    """Short name of a branch."""

    __slots__ = ()
    prefix = "refs/heads/"


class Tag(Ref):
    """Short name of a tag."""

    __slots__ = ()
    prefix = "refs/tags/"


class Oid(Name):
    """Full object id, 40 or 64 lower-case hex digits."""

    __slots__ = ()

    @classmethod
    def problem(cls, value: str) -> str:
        return "" if _OID.fullmatch(value) else f"{value!r} is not a full object id"

    @property
    def short(self) -> str:
        """Seven digits, for people only."""
        return self[:7]


class RunId(Name):
    """Id of a run: `r-` and the first twelve digits of its plan's digest.

    The digest holds the ledger's head and every begun run moves that head, so no two begun runs share an id.
    """

    __slots__ = ()

    @classmethod
    def problem(cls, value: str) -> str:
        return "" if _RUN.fullmatch(value) else f"{value!r} is no run id (r- and twelve hex digits)"


class DeploymentId(Name):
    """Id of a deployment: `d-` and the first twelve digits of its plan's digest, which holds the time it was made."""

    __slots__ = ()

    @classmethod
    def problem(cls, value: str) -> str:
        return "" if _DEPLOYMENT.fullmatch(value) else f"{value!r} is no deployment id (d- and twelve hex digits)"
