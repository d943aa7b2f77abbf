"""A first repos.yaml from the clones that lie in a folder: convention first, comments for what is guessed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from multigit.configfile.rules import folder_problem
from multigit.errors import UsageError
from multigit.model.names import EnvName, RepoName
from multigit.model.urls import Url, hide_secrets

_HEAD: Final = """\
# Written by multigit init --scan. `multigit config check` says whether it is right.
version: 1
system: {name: NAME, timezone: UTC}      # zone of tags and printed times, for example Asia/Seoul
"""
_ENVIRONMENTS: Final = """\
environments:      # in order of promotion; put your branches here
  dev:  {branch: dev}
  stg:  {branch: stg, tag: "stg-deploy-{now:%Y%m%d-%H%M%S}"}
  prod: {branch: main, tag: "deploy-{now:%Y%m%d-%H%M%S}", tier: production}
repos:             # `after: [name, name]` says which repositories go first
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    name: str
    folder: str
    """`.` or the folder's name."""
    url: str
    problem: str = ""
    """Why the address cannot stand in repos.yaml."""
    left_out: str = ""
    """Why the clone cannot."""


def scan(folder: Path, remote_of: Callable[[Path], str]) -> str:
    """Text of a repos.yaml for the clones in `folder`: the folder itself and those one level below it.

    `remote_of` gives the address a clone is fetched from, '' where it has none. UsageError where there is no clone.
    """
    clones = [path for path in (folder, *sorted(folder.iterdir())) if _is_clone(path, folder)]
    if not clones:
        hint = "multigit init --example gli, or --scan another folder"
        raise UsageError(f"there is no clone in {folder}", hint=hint, code="MG-205")
    found = _judged([_look(path, folder, remote_of(path)) for path in clones])
    template = _common(found)
    head = _HEAD.replace("NAME", _system(folder))
    remotes = f"remotes: {{origin: {json.dumps(template, ensure_ascii=False)}}}\n" if template else ""
    return head + remotes + _ENVIRONMENTS + "".join(_line(one, template) for one in found)


def _is_clone(path: Path, top: Path) -> bool:
    if path == top:
        return (path / ".git").exists()
    return not path.name.startswith(".") and not path.is_symlink() and path.is_dir() and (path / ".git").exists()


def _look(path: Path, top: Path, url: str) -> _Found:
    base = re.split(r"[/:]", url.rstrip("/").removesuffix(".git"))[-1]
    problem = Url.problem(url) if url else ""
    if url and not problem and "${" in url:
        problem = "an address cannot have ${ in it"
    own = path.resolve().name if path == top else path.name
    name = next((word for word in (base, own) if not RepoName.problem(word)), "")
    return _Found(name=name, folder="." if path == top else path.name, url=url, problem=problem)


def _judged(found: Sequence[_Found]) -> list[_Found]:
    """Each name, folder and address is taken once, whatever its case; the other clones are left out with a reason."""
    taken: dict[str, str] = {}
    judged = []
    for one in found:
        words = [f"{one.name}".casefold(), f"./{one.folder}".casefold(), one.url.removesuffix(".git").casefold()]
        other = next((taken[word] for word in words if word and word in taken), "")
        reason = f"it is too much like {other}" if other else ""
        if not one.name or folder_problem(one.folder):
            reason = "its name cannot be used"
        if not reason:
            taken.update(dict.fromkeys(words, one.name))
        judged.append(replace(one, left_out=reason))
    return judged


def _common(found: Sequence[_Found]) -> str:
    """The address template that fits most repositories; '' where none has an address."""
    templates = Counter(template for one in found if not one.left_out and (template := _template(one)))
    return templates.most_common(1)[0][0] if templates else ""


def _template(one: _Found) -> str:
    ends = next((end for end in (f"{one.name}.git", one.name) if one.name and one.url.endswith(end)), "")
    before = one.url[: len(one.url) - len(ends)]
    if not ends or one.problem or "{" in one.url or "}" in one.url or not before.endswith(("/", ":")):
        return ""
    return f"{before}{{repo}}{ends[len(one.name) :]}"


def _line(one: _Found, template: str) -> str:
    if one.left_out:
        return f"  # left out: {json.dumps(one.folder, ensure_ascii=False)}, because {one.left_out}\n"
    entry = {} if one.folder == one.name else {"path": one.folder}
    if one.url and not one.problem and template.replace("{repo}", one.name) != one.url:
        entry["url"] = one.url
    inside = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items())
    note = f"      # {hide_secrets(one.problem)}" if one.problem else ""
    return f"  {one.name}: {{{inside}}}{note}\n"


def _system(folder: Path) -> str:
    name = re.sub("[^a-z0-9_-]+", "-", folder.resolve().name.casefold()).strip("-_")[:40]
    return "fleet" if EnvName.problem(name) else name
