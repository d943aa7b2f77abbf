"""People with keys: each signs with their own, as their git says."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Person:
    """Somebody with an ssh key; `use` makes this process's git theirs."""

    name: str
    folder: Path

    @classmethod
    def make(cls, folder: Path, name: str) -> Person:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return cls(name, folder)

    @property
    def address(self) -> str:
        return f"{self.name}@example.invalid"

    @property
    def key(self) -> str:
        return (self.folder / f"{self.name}.pub").read_text().strip()

    def use(self, **more: str) -> None:
        """Be this person from now on; `more`: settings of [gpg] or others, `section_key=value`."""
        lines = [f"[user]\n\tname = {self.name.title()}\n\temail = {self.address}"]
        lines += [f"\tsigningKey = {more.pop('key', self.folder / self.name)}"]
        lines += [f"[gpg]\n\tformat = {more.pop('format', 'ssh')}"]
        (Path(os.environ["HOME"]) / ".gitconfig").write_text("\n".join(lines) + "\n")


def signing(people: list[Person], *, approvals: int = 0, approvers: list[Person] | None = None) -> tuple[str, str]:
    """The parts of repos.yaml that let `people` release prod: its environments, and the rest."""
    listed = "".join(f'    {person.address}: "{person.key}"\n' for person in [*people, *(approvers or [])])
    who = f"signers: [{', '.join(person.address for person in people)}]"
    more = f", approvals: {approvals}" if approvals else ""
    more += f", approvers: [{', '.join(person.address for person in approvers)}]" if approvers else ""
    environments = f"""\
environments:
  dev: {{branch: dev}}
  stg: {{branch: stg, tag: "stg-deploy-{{now:%Y%m%d-%H%M%S}}"}}
  prod: {{branch: main, tag: "deploy-{{now:%Y%m%d-%H%M%S}}", tier: production, {who}{more}}}
hotfix: {{allow: [stg, prod], backmerge: [stg, dev]}}
"""
    return environments, f"signing:\n  signers:\n{listed}"
