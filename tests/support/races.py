"""Several people promote the same fleet at once: one wins, the others name it, and nobody's commit is lost."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.support.fleetkit import FleetKit, Ran
from tests.support.judged import Before, judge
from tests.support.killer import records
from tests.support.stand import Environment, Stand, words

NAMES = ("root", "api", "web")
PROMOTE = ("promote", "dev", "stg", "--yes")


def campaign(folder: Path, rounds: int, people: int) -> int:
    """Print the figures; the number of violations."""
    stand = Stand.make(folder, NAMES, ())
    kit = stand.fresh()
    machines = [stand.machine(kit, f"operator-{number}") for number in range(people)]
    told: Counter[str] = Counter()
    for number in range(1, rounds + 1):
        one = round_of(kit, machines, number)
        told.update(one)
        print(f"round {number}: {', '.join(f'{count} {what}' for what, count in one.items())}", flush=True)
    kit.fsck()
    print(f"\n{rounds} rounds of {people}: {', '.join(f'{count} {what}' for what, count in told.items())}")
    return sum(count for what, count in told.items() if what.startswith("VIOLATION"))


def round_of(kit: FleetKit, machines: list[Environment], number: int) -> Counter[str]:
    """Everybody promotes new commits at once; what came of it, in words with their counts."""
    for name in ("root", "api"):
        kit.commit(name, "dev", {f"feature-{number}.txt": "good\n"}, f"feat: {number}")
    before = Before.of(kit)
    children = [_begun(kit, env) for env in machines]
    answers = [_ended(child) for child in children]
    since = records(kit)[before.records :]
    winners = [str(record["run"]) for record in since if record["kind"] == "released"]
    told = Counter(_said(answer, winners) for answer in answers)
    if len(winners) != 1:
        told[f"VIOLATION {len(winners)} runs were released"] += 1
    for wrong in judge(kit, before).wrong:
        told[f"VIOLATION {wrong}"] += 1
    return told


def _said(answer: Ran, winners: list[str]) -> str:
    if answer.code == 0:
        return "released" if "RELEASED" in answer.out else "nothing to do"
    if answer.code != 3:
        return f"VIOLATION exit {answer.code}: {answer.text[-400:]}"
    if any(run in answer.text for run in winners):
        return "refused, naming the winner"
    return f"VIOLATION refused without the winner's name: {answer.text[-400:]}"


def _begun(kit: FleetKit, env: Environment) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "multigit", *words(kit, *PROMOTE)]
    return subprocess.Popen(
        argv, cwd=kit.work, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8",
    )  # fmt: skip


def _ended(child: subprocess.Popen[str]) -> Ran:
    out, err = child.communicate(timeout=180)
    return Ran(child.returncode, out, err)
