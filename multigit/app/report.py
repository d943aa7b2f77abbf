"""After the fact: what moved meanwhile, how a run ended, what to type next; and deployment.log brought up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from multigit.app.remembered import remember_run
from multigit.app.session import Session
from multigit.apply import protocol
from multigit.apply.engine import Result, Work
from multigit.apply.vocabulary import End
from multigit.errors import DONE, UNWELL, MultigitError
from multigit.ledger import deployment_log
from multigit.ledger.records import BRANCH as LEDGER
from multigit.model import notice
from multigit.model.delivery import Delivery
from multigit.model.deployreport import DeploymentReport
from multigit.model.fleet import RepoState
from multigit.model.names import Branch, Oid, RepoName
from multigit.model.plan import Plan, Seen
from multigit.model.runreport import RunReport
from multigit.ui.documents import document
from multigit.ui.lang import checklist_text, post_deploy, sentence
from multigit.ui.reports import report_text
from multigit.ui.screen import Screen
from multigit.vcs import clones, read
from multigit.vcs.mirror import fetch

_OUTCOMES = {
    End.RELEASED: "released",
    End.ABORTED: "aborted",
    End.REFUSED: "refused",
    End.RACE: "race",
    End.LOST: "lost",
    End.OPEN: "open",
}


# --- what moved ------------------------------------------------------------------------------------------------


def moved(kept: Plan, again: Plan) -> str:
    """Why making a saved plan again gives another one."""
    if (kept.verb, kept.source, kept.target) != (again.verb, again.source, again.target):
        return f"it is the plan of another move: {kept.verb} {kept.source or ''} -> {kept.target}"
    before: Mapping[RepoName, Seen] = {seen.repo: seen for seen in kept.seen}
    for seen in again.seen:
        old = before.get(seen.repo)
        if old is None:
            return f"{seen.repo} is not in the plan"
        for branch, oid in seen.heads.items():
            if old.heads.get(branch) != oid:
                return f"{seen.repo}: the plan has {branch} at {_short(old.heads.get(branch))}, origin has {oid.short}"
        if old.fence != seen.fence:
            return f"{seen.repo}: another run passed through it meanwhile"
    if kept.ledger != again.ledger:
        return "the ledger moved: another run, a hold or a failure was recorded meanwhile"
    return (
        "repos.yaml or the way to make plans changed"
        if kept.config != again.config
        else "the plan comes out differently"
    )


def first_move(session: Session, plan: Plan, now: Sequence[RepoState]) -> str:
    """The first thing that is not as the plan saw it; '' when all is."""
    states = {state.repo: state for state in now}
    for seen in plan.seen:
        state = states[seen.repo]
        if state.problem:
            return f"{seen.repo}: {state.problem.why}"
        for branch, oid in seen.heads.items():
            if state.heads.get(branch) != oid:
                return _who_moved(session, seen.repo, branch, oid, state.heads.get(branch))
        if state.fence != seen.fence:
            return f"{seen.repo}: another run passed through it meanwhile"
        if plan.tag and plan.tag in state.tags:
            return f"{seen.repo}: the tag {plan.tag} exists there now"
    head = states[session.config.home.name].heads.get(LEDGER)
    if head != plan.ledger and session.ledger.read(head).base != plan.ledger:
        return "the ledger moved: another run, a hold or a failure was recorded meanwhile"
    return ""


def _who_moved(session: Session, repo: RepoName, branch: Branch, old: Oid, new: Oid | None) -> str:
    text = f"{repo}: {branch} moved while the plan was waiting: the plan has {old.short}, origin has {_short(new)}"
    if new is None:
        return text
    try:
        mirror = session.mirror(session.config.repos[repo])
        fetch(mirror, {"refs/multigit/seen/moved": new})
        line = read.commits(mirror, [new], [old], limit=1, merges=True)[0]
    except (MultigitError, IndexError):
        return text
    return f'{text} ({line.author}, {line.when.astimezone(session.zone):%H:%M %Z}, "{line.subject}")'


def _short(oid: Oid | None) -> str:
    return oid.short if oid else "nothing"


# --- how it ended ----------------------------------------------------------------------------------------------


def nothing(session: Session, screen: Screen, plan: Plan, why: str = "") -> int:
    """Nothing to do is a result, and looks different from "done" (X4)."""
    report = RunReport(run=plan.run, plan=plan, outcome="nothing", statuses={}, why=why or _why_nothing(plan))
    screen.say(report_text(report, session.zone, width=screen.width))
    screen.document(document("", report))
    return report.exit_code


def _why_nothing(plan: Plan) -> str:
    reasons = sorted({keep.why for keep in plan.keeps if keep.why})
    return ", ".join(reasons)


def ended(
    session: Session, screen: Screen, work: Work, result: Result, seconds: float, intent: str = "resume",
    then: Callable[[], DeploymentReport] | None = None,
) -> int:  # fmt: skip
    """Tell how a run ended, everywhere it has to be told; the exit code. Taken back as asked (`abort`) is a success.

    `then` deploys what was released; how that ended belongs to the same story.
    """
    remember_run(session, work.plan, released=result.done.end is End.RELEASED)
    warnings = [f"{repo}: somebody took the landed commits away again" for repo in protocol.drifted(result.state)]
    warnings += [*result.moved, *_after_release(work)] if result.done.end is End.RELEASED else []
    try:
        sync_log(session)
    except (MultigitError, OSError) as unwritten:
        warnings.append(f"{session.config.log.file} was not written: {unwritten}")
    report = RunReport(
        run=work.plan.run,
        plan=work.plan,
        outcome=_OUTCOMES[result.done.end],  # type: ignore[arg-type]
        statuses=protocol.statuses(result.state),
        why=result.done.why or protocol.cannot(result.state) or _recorded_reason(work, result),
        warnings=tuple(warnings),
        next=_next(session, work.plan, result),
        took=round(seconds, 3),
    )
    screen.close()
    screen.say(report_text(report, session.zone, width=screen.width), always=True)
    if result.done.end is End.RELEASED and work.plan.production and work.plan.tag and work.plan.verb != "rollback":
        lang = session.config.system.lang
        urls = [env.url for env in session.config.environments.values() if env.name == work.plan.target and env.url]
        screen.say(
            checklist_text(
                sentence(lang, "post_title"),
                post_deploy(lang, tag=work.plan.tag, urls=urls, rollback="multigit rollback previous"),
            )
        )
    told = tell_people(session, screen, report, asked=intent == "abort")
    if then and report.outcome == "released":
        report = _deployed(session, screen, report, then)
    screen.document(document("", replace(report, notices=told)))
    return DONE if intent == "abort" and report.clean else report.exit_code


def _deployed(
    session: Session, screen: Screen, report: RunReport, then: Callable[[], DeploymentReport]
) -> RunReport:  # fmt: skip
    """With how the deployment went; one that did not even begin is a failure after the landing."""
    from multigit.ui.deployments import report_text as deployment_text

    try:
        found = then()
    except MultigitError as failed:
        env, why = str(report.plan.target), f"{failed.what}: {failed.why}"
        found = DeploymentReport(id="", env=env, outcome="failed", why=why, next=(f"multigit deploy {env}",),
                                 exit_code=UNWELL)  # fmt: skip
    screen.close()
    screen.say(deployment_text(found, session.zone, session.now(), width=screen.width), always=True)
    told, warnings = session.teller.settle()
    for warning in warnings:
        screen.warn(warning)
    return replace(report, deployment=replace(found, notices=told))


def brief(work: Work, result: Result, why: str) -> RunReport:
    """A run that was stopped before it began to change anything, for the notices."""
    return RunReport(run=work.plan.run, plan=work.plan, outcome=_OUTCOMES[result.done.end],  # type: ignore[arg-type]
                     statuses=protocol.statuses(result.state), why=why)  # fmt: skip


def tell_people(session: Session, screen: Screen, report: RunReport, *, asked: bool = False) -> tuple[Delivery, ...]:
    """Tell whoever asked for it how a run ended, after the screen has it; who could not be told is warned of."""
    session.teller.tell(lambda: notice.ended(session.config, report, session.now(), asked=asked))
    told, warnings = session.teller.settle()
    for warning in warnings:
        screen.warn(warning)
    return told


def _recorded_reason(work: Work, result: Result) -> str:
    """Why the run was taken back, as the ledger has it: the closing of fences has overwritten what was seen then."""
    run = work.ledger.history.runs.get(work.plan.run)
    return run.reason if run and result.done.end is End.ABORTED else ""


def _after_release(work: Work) -> list[str]:
    """A hotfix's commit was made outside the clone; the clone catches up, if nobody touched it meanwhile."""
    warnings = []
    for land in work.plan.lands:
        if land.from_clone and land.commit:
            folder, mirror = Path(land.from_clone), work.mirrors[land.repo].path
            try:
                moved_on = clones.advance(folder, land.branch, land.commit.parents[0], land.new, source=mirror)
            except (MultigitError, OSError) as left:
                warnings.append(f"{land.repo}: the release is out, the clone was not brought along: {left}")
                continue
            if not moved_on:
                warnings.append(
                    f"{land.repo}: the clone changed meanwhile; bring it up to date: multigit pull {land.branch}"
                )
    return warnings


def _next(session: Session, plan: Plan, result: Result) -> tuple[str, ...]:
    if result.done.end in (End.OPEN, End.LOST):
        return (f"multigit resume {plan.run}", f"multigit abort {plan.run}")
    if result.done.end is End.RACE:
        return ("multigit status",)
    if result.done.end is not End.RELEASED:
        return (*_diverged(plan, result), "multigit status")
    if plan.verb == "hotfix":
        owed = [name for name in session.config.hotfix.backmerge if name != plan.target]
        road = [plan.target, *owed]
        return tuple(f"multigit backmerge {a} {b}" for a, b in pairwise(road))
    if plan.verb == "promote" and plan.tag and plan.production:
        return ("multigit history", f"multigit rollback previous   (takes {plan.tag} back)")
    return ()


def _diverged(plan: Plan, result: Result) -> tuple[str, ...]:
    """The exact commands for repositories on which somebody has built already."""
    lost = [repo for repo, status in protocol.statuses(result.state).items() if status == "diverged"]
    lands = {land.repo: land for land in plan.lands}
    return tuple(
        f"cd {repo} && git fetch origin && git switch {lands[repo].branch} && git merge --ff-only"
        f" && git revert {'-m 1 ' if lands[repo].how == 'merge' else ''}{lands[repo].new.short} && git push"
        for repo in lost
    )


def sync_log(session: Session) -> None:
    """Bring deployment.log up to the ledger (G7)."""
    deployment_log.sync(session.log_path, session.ledger.history, session.zone, session.state_folder)


def tell_log(session: Session, screen: Screen) -> None:
    """The same; a log that cannot be written is a warning, because the ledger has everything."""
    try:
        sync_log(session)
    except (MultigitError, OSError) as unwritten:
        screen.warn(f"{session.config.log.file} was not written: {unwritten}")
