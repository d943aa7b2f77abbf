"""The demo's story: real commands, run as a user runs them, with a sentence before each. No special cases."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from multigit.demo.workspace import Workspace
from multigit.errors import DONE, REFUSED, MultigitError
from multigit.vcs.run import git_in

Say = Callable[[str], None]
_NOBODY = ("--override", "checklist=nobody sits here", "--override", "migration=nobody sits here")


@dataclass(frozen=True, slots=True)
class Story:
    """Tells and does. A command that ends differently than told stops the demo."""

    place: Workspace
    say: Say

    def run(self, *args: str, expect: int = DONE) -> None:
        """One command in a process of its own."""
        self.say(f"\n$ multigit {' '.join(_shown(arg) for arg in args)}")
        command = [sys.executable, "-m", "multigit", *args]
        done = subprocess.run(
            command, cwd=self.place.work, env=self._environment(), stdin=subprocess.DEVNULL, capture_output=True,
            encoding="utf-8", check=False, timeout=300,
        )  # fmt: skip
        self.say((done.stdout + _without_progress(done.stderr)).rstrip("\n"))
        if done.returncode != expect:
            raise MultigitError(
                f"the demo expected exit {expect} and got {done.returncode}",
                why="something does not work here as it should",
                hint=f"look around in {self.place.root}, and please report it",
            )

    def _environment(self) -> dict[str, str]:
        home = self.place.home
        own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "XDG_STATE_HOME": str(home / ".state")}
        return {**os.environ, **own, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}

    def chapter(self, title: str, *lines: str) -> None:
        """A headline and why it matters."""
        self.say(f"\n== {title}")
        for line in lines:
            self.say(f"   {line}")

    def production(self, *verb: str) -> None:
        """Production without a terminal: the plan is saved, then applied with its phrase."""
        if verb[0] == "promote":
            self.run("plan", *verb[1:], "--out", "plan.json", *_NOBODY)
            self.run("-q", *verb, "--plan", "plan.json", "--confirm", "gli main", *_NOBODY)
        else:
            self.run(*verb, "--dry-run", "--out", "plan.json")
            self.run("-q", *verb, "--plan", "plan.json", "--confirm", "gli main")


def tell(place: Workspace, say: Say) -> None:
    """The whole story."""
    story = Story(place, say)
    for chapter in (_look, _stage, _conflict, _rejection, _produce, _hotfix, _rollback, _after, _remember):
        chapter(story)


def _look(s: Story) -> None:
    s.chapter("1. Where is everything?", "Eight repositories, three environments; work waits on dev.")
    s.run("status")


def _stage(s: Story) -> None:
    s.chapter(
        "2. dev -> stg", "One merge commit where there is something to merge, one tag everywhere, all or nothing."
    )
    s.run("promote", "dev", "stg", "--yes")
    s.chapter("   ... run twice is run once")
    s.run("promote", "dev", "stg", "--yes")


def _conflict(s: Story) -> None:
    s.chapter(
        "3. A conflict is found before anything is touched", "Two people changed the same line, on dev and on stg."
    )
    path = "src/api/client.ts"
    line = "export const base = 'https://api.glibiz.com';\n"
    s.place.colleague("gli_user-frontend", "dev", "feat: 재시도 3회", {path: line + "export const retries = 3;\n"})
    s.place.colleague("gli_user-frontend", "stg", "fix: 재시도 1회", {path: line + "export const retries = 1;\n"})
    s.place.colleague("gli_redis", "dev", "chore: 메모리 512mb", {"redis.conf": "maxmemory 512mb\n"})
    s.run("promote", "dev", "stg", "--yes", expect=REFUSED)
    s.chapter("   ... the printed commands are followed, then: resume")
    _resolve(s, path, line + "export const retries = 2;\n")
    s.run("resume", "--yes")


def _resolve(s: Story, path: str, content: str) -> None:
    folder = s.place.clone("gli_user-frontend")
    s.say("\n$ cd gli_user-frontend && git switch dev && git merge origin/stg   (and the file is edited)")
    git_in(folder, "fetch", "--quiet", "origin", network=True, url=str(s.place.host("gli_user-frontend")))
    git_in(folder, "switch", "--quiet", "dev")
    git_in(folder, "merge", "--quiet", "origin/stg", check=False)
    (folder / path).write_text(content, encoding="utf-8")
    git_in(folder, "commit", "--quiet", "-am", "Merge stg into dev")
    git_in(folder, "push", "--quiet", "origin", "dev", network=True, url=str(s.place.host("gli_user-frontend")))
    git_in(folder, "switch", "--quiet", "main")


def _rejection(s: Story) -> None:
    s.chapter("4. A server says no half-way", "gli_redis refuses stg; what had landed elsewhere is put back at once.")
    for name in ("gli_redis", "gli_websocket", "gli_rabbitmq"):
        s.place.colleague(name, "dev", "chore: 로그 수준", {"log.conf": "level info\n"})
    s.place.freeze("gli_redis")
    s.run("promote", "dev", "stg", "--yes", expect=REFUSED)
    s.place.thaw("gli_redis")
    s.chapter("   ... it takes pushes again, and so does the fleet")
    s.run("promote", "dev", "stg", "--yes")


def _produce(s: Story) -> None:
    s.chapter(
        "5. stg -> main",
        "Production. On a terminal: checklist, a yes, a typed phrase. In CI: a saved plan and the phrase.",
    )
    s.production("promote", "stg", "main")


def _hotfix(s: Story) -> None:
    s.chapter(
        "6. A hotfix past staging", "Fixed in a clone's main, published with a tag of its own, and owed to stg and dev."
    )
    folder = s.place.clone("gli_api-server")
    git_in(
        folder, "pull", "--quiet", "--ff-only", "origin", "main", network=True, url=str(s.place.host("gli_api-server"))
    )
    settings = folder / "api" / "settings.py"
    settings.write_text(settings.read_text(encoding="utf-8").replace("TIMEOUT = 30", "TIMEOUT = 5"), encoding="utf-8")
    s.production("hotfix", "--push", "main", "-m", "hotfix: 결제 대기 시간")
    s.run("status")
    s.chapter("   ... a promotion would forget it; merging back pays")
    s.run("backmerge", "main", "stg", "--yes")
    s.run("backmerge", "stg", "dev", "--yes")


def _rollback(s: Story) -> None:
    s.chapter(
        "7. Taking a release back",
        "A commit with the content of the tag goes on top: no force-push, nobody's clone breaks.",
    )
    s.run("rollback", "deploy-20260212-0700", "-m", "결제 실패율 상승", "--dry-run")
    s.run("-q", "rollback", "deploy-20260212-0700", "-m", "결제 실패율 상승", "--confirm", "gli main")


def _after(s: Story) -> None:
    s.chapter(
        "8. And forward again",
        "The release is quarantined; with a fix on top it ships again, and nothing goes missing.",
    )
    s.run("plan", "stg", "main", expect=REFUSED)
    fixed = {"api/payments.py": "def pay(order):\n    return retry(order, times=3, wait=2)\n"}
    s.place.colleague("gli_api-server", "dev", "fix: 결제 재시도 간격", fixed)
    s.run("-q", "promote", "dev", "stg", "--yes")
    s.production("promote", "stg", "main", "--reapply")


def _remember(s: Story) -> None:
    s.chapter(
        "9. What happened?", "The ledger knows, on every machine; deployment.log is its view for people who grep."
    )
    s.run("history", "prod")
    s.run("status")
    s.chapter("10. The next release waits already", "Something is left on stg, for whoever wants to play.")
    s.place.colleague("gli_websocket", "dev", "feat: 접속 알림", {"notify.js": "export const notify = true;\n"})
    s.run("-q", "promote", "dev", "stg", "--yes")


def _shown(arg: str) -> str:
    name, equals, value = arg.partition("=")
    if equals and " " in value:
        return f'{name}="{value}"'
    return f'"{arg}"' if " " in arg else arg


def _without_progress(text: str) -> str:
    """The lines a log would keep of a run's steps; the demo shows results."""
    return "\n".join(
        line for line in text.splitlines() if not (line[:2] == "20" and line[4:5] == "-" and "T" in line[:20])
    )
