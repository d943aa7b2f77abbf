"""An ECS service from its rollout to the port its tasks listen on: what keeps people from reaching it.

    deploy: {default: {ecs: {cluster: gli-websocket-cluster, service: "{long}-websocket-service"}}}

Everything else (target group, listener, security groups, port) is read from the service itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from multigit.checks.ecs_stable import gave_up
from multigit.model.health import Finding
from multigit.model.probing import Patient
from multigit.probes import Eye, guarded, one_line
from multigit.probes._ecs import Service, flags, service_of, task_groups
from multigit.probes._ports import door

_ORDINARY: Final = ("scaling activity initiated", "service scheduler", "deployment ecs-svc/")
_MEANINGS: Final = (  # what ECS says of a task that stopped (developer guide, "Stopped tasks error messages")
    ("cannotpullcontainer", "the image is not in ECR, or the execution role may not read it"),
    ("resourceinitialization", "a secret, the log group or the network cannot be reached with the execution role"),
    ("outofmemory", "the task needs more memory"),
    ("elb health checks", "the target group's health check was not answered: see targets"),
    ("essential container", "the program ended by itself: its log says why"),
)


def probe(patient: Patient, eye: Eye) -> Iterator[Finding]:
    """Service, rollout, stopped tasks; then targets, listener and port of each target group."""
    if not patient.ecs or not eye.account_known:
        return
    seen: list[Service] = []
    yield from guarded(patient, "service", lambda: _service(patient, eye, seen))
    if not seen:
        return
    service = seen[0]
    yield _rollout(patient, service)
    yield from guarded(patient, "tasks", lambda: _stopped(patient, eye))
    if not service.get("loadBalancers"):
        yield patient.told("targets", "skip", "the service has no load balancer")
    for one in service.get("loadBalancers", ()):
        yield from _behind(patient, eye, service, one)


def _service(patient: Patient, eye: Eye, seen: list[Service]) -> Iterator[Finding]:
    place = f"{patient.ecs['cluster']}/{patient.ecs['service']}"
    service = service_of(patient, eye)
    if service is None:
        why = f"{place}: there is no such service"
        yield patient.told("service", "ng", why, f"aws ecs list-services --cluster {patient.ecs['cluster']}")
        return
    seen.append(service)
    running, desired, last = service["runningCount"], service["desiredCount"], _last_event(service)
    events = (f"aws ecs describe-services --cluster {patient.ecs['cluster']} --services {patient.ecs['service']} "
              "--query 'services[0].events[:5].message'")  # fmt: skip
    if service["status"] != "ACTIVE":
        yield patient.told("service", "ng", f"{place} is {service['status']}, not ACTIVE", events)
    elif not desired:
        start = f"aws ecs update-service {flags(patient)} --desired-count 1"
        yield patient.told("service", "ng", f"{place}: 0 tasks are wanted, so nothing serves", start)
    elif running < desired:
        rolling = any(one.get("rolloutState") == "IN_PROGRESS" for one in service["deployments"])
        why = f"{place}: {running} of {desired} tasks run{last}"
        yield patient.told("service", "warn" if rolling and running else "ng", why, events)
    else:
        yield patient.told("service", "ok", f"{place}: ACTIVE, {running} of {desired} tasks run")


def _last_event(service: Service) -> str:
    events = service.get("events") or ()
    return f"; ECS says: {one_line(events[0]['message'])}" if events else ""


def _rollout(patient: Patient, service: Service) -> Finding:
    """What became of the last deployment, and whether ECS would take a bad one back."""
    primary = next((one for one in service["deployments"] if one["status"] == "PRIMARY"), None)
    if primary is None or "rolloutState" not in primary:
        return patient.told("rollout", "skip", "ECS says nothing of a rollout: it is not deployed by rolling updates")
    if wrong := gave_up(service, primary):
        again = f"multigit logs {patient.env.name} {patient.repo.name} --since 1h"
        return patient.told("rollout", "ng", one_line(wrong), again)
    if primary["rolloutState"] != "COMPLETED":
        failed = f", {primary['failedTasks']} failed" if primary.get("failedTasks") else ""
        why = (
            f"{primary['id']} is {primary['rolloutState']}: {primary['runningCount']} of {primary['desiredCount']} run"
        )
        return patient.told("rollout", "warn", f"{why}{failed}", f"aws ecs wait services-stable {_waiting(patient)}")
    breaker = (service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
    if not (breaker.get("enable") and breaker.get("rollback")):
        on = "'deploymentCircuitBreaker={enable=true,rollback=true}'"
        fix = f"aws ecs update-service {flags(patient)} --deployment-configuration {on}"
        why = f"{primary['id']} is COMPLETED; the circuit breaker is off: a bad deployment would be tried for ever"
        return patient.told("rollout", "warn", why, fix)
    return patient.told("rollout", "ok", f"{primary['id']} is COMPLETED; the circuit breaker is on")


def _waiting(patient: Patient) -> str:
    return flags(patient).replace("--service ", "--services ")


def _stopped(patient: Patient, eye: Eye) -> Iterator[Finding]:
    """Tasks that ended in the last hour and not because ECS wanted it (ECS forgets them after that)."""
    cluster, name = patient.ecs["cluster"], patient.ecs["service"]
    arns = eye.aws(patient, "ecs", "list_tasks", cluster=cluster, serviceName=name, desiredStatus="STOPPED")["taskArns"]
    tasks = eye.aws(patient, "ecs", "describe_tasks", cluster=cluster, tasks=arns[:100])["tasks"] if arns else []
    ill = [text for task in tasks if (text := _why_stopped(task))]
    if not ill:
        yield patient.told("tasks", "ok", "none stopped by itself lately")
        return
    meant = next((words for word, words in _MEANINGS if any(word in _plain(text) for text in ill)), "")
    why = f"{len(ill)} stopped lately: {ill[0]}" + (f" ({meant})" if meant else "")
    yield patient.told("tasks", "warn", why, f"multigit logs {patient.env.name} {patient.repo.name} --since 1h")


def _plain(text: str) -> str:
    return text.lower().replace(" ", "") if "cannotpull" in text.lower() else text.lower()


def _why_stopped(task: Mapping[str, Any]) -> str:
    """Why a task ended, with what its containers say; '' where ECS only made room for another one."""
    reason = one_line(task.get("stoppedReason"))
    ended = [one for one in task.get("containers", ()) if one.get("exitCode") or one.get("reason")]
    ordinary = any(word in reason.lower() for word in _ORDINARY) and "failed" not in reason.lower()
    if (ordinary and not ended) or not reason or task.get("stopCode") == "UserInitiated":
        return ""
    said = [one_line(f"{one['name']}: {one.get('reason') or 'exit code'} {one.get('exitCode', '')}") for one in ended]
    return ", ".join([reason, *said])


def _behind(patient: Patient, eye: Eye, service: Service, one: Mapping[str, Any]) -> Iterator[Finding]:
    """The way from the load balancer to the tasks by one target group."""
    arn, port = str(one.get("targetGroupArn", "")), int(one.get("containerPort", 0))
    balancers: list[str] = []
    if not arn:
        yield patient.told("targets", "skip", "a classic load balancer is not looked into")
        return
    yield from guarded(patient, "targets", lambda: _targets(patient, eye, arn, balancers))
    if not balancers:
        return
    yield from guarded(patient, "listener", lambda: _listener(patient, eye, balancers[0]))
    yield from guarded(patient, "port", lambda: _port(patient, eye, service, balancers, port))


def _targets(patient: Patient, eye: Eye, arn: str, balancers: list[str]) -> Iterator[Finding]:
    groups = eye.aws(patient, "elbv2", "describe_target_groups", ("TargetGroupNotFound",), TargetGroupArns=[arn])
    if not groups:
        yield patient.told("targets", "ng", f"the target group {arn} is gone", "aws elbv2 describe-target-groups")
        return
    group = groups["TargetGroups"][0]
    balancers.extend(group.get("LoadBalancerArns", ()))
    name, health = group["TargetGroupName"], f"aws elbv2 describe-target-health --target-group-arn {arn}"
    if not balancers:
        why = f"no listener of a load balancer leads to the target group {name}"
        fix = f"aws elbv2 modify-listener --listener-arn … --default-actions Type=forward,TargetGroupArn={arn}"
        yield patient.told("listener", "ng", why, f"{fix}   (or create-rule)")
    told = eye.aws(patient, "elbv2", "describe_target_health", TargetGroupArn=arn)["TargetHealthDescriptions"]
    states = [one["TargetHealth"] for one in told if one["TargetHealth"]["State"] != "draining"]
    well = [one for one in states if one["State"] == "healthy"]
    ill = [one for one in states if one["State"] not in ("healthy", "initial")]
    if not states:
        yield patient.told("targets", "ng", f"{name}: no target is registered, so nothing can be reached", health)
    elif ill:
        why = f"{name}: {len(well)} of {len(states)} are healthy; {_reason(ill[0])}; {_question(group)}"
        yield patient.told("targets", "warn" if well else "ng", why, *_mended(patient, ill[0], health))
    elif not well:
        yield patient.told("targets", "warn", f"{name}: its targets are still being looked at", health)
    else:
        yield patient.told("targets", "ok", f"{name}: {len(well)} of {len(states)} are healthy")


def _reason(state: Mapping[str, Any]) -> str:
    return one_line(f"{state['State']}, {state.get('Reason', 'no reason given')}: {state.get('Description', '')}")


def _question(group: Mapping[str, Any]) -> str:
    """What the load balancer asks of each target."""
    wanted = (group.get("Matcher") or {}).get("HttpCode", "")
    path = group.get("HealthCheckPath", "")
    asks = f"{group.get('HealthCheckProtocol', '?')} {path} on {group.get('HealthCheckPort', '?')}"
    return " ".join(asks.split()) + (f" should answer {wanted}" if wanted else "")


def _mended(patient: Patient, state: Mapping[str, Any], health: str) -> Sequence[str]:
    """What helps, by the reason (ELB API reference, TargetHealth)."""
    if state.get("Reason") == "Target.ResponseCodeMismatch":
        arn = health.rpartition(" ")[2]
        change = f"aws elbv2 modify-target-group --target-group-arn {arn} --health-check-path /health/"
        return (
            f"multigit logs {patient.env.name} {patient.repo.name} --since 15m",
            f"{change}   (the path that answers 200)",
        )
    if state.get("Reason") == "Target.Timeout":
        return (f"{health}   (nobody answers in time: see port)",)
    return (f"multigit logs {patient.env.name} {patient.repo.name} --since 15m", health)


def _listener(patient: Patient, eye: Eye, balancer: str) -> Iterator[Finding]:
    found = eye.aws(patient, "elbv2", "describe_load_balancers", ("LoadBalancerNotFound",), LoadBalancerArns=[balancer])
    if not found:
        yield patient.told(
            "listener", "ng", f"the load balancer {balancer} is gone", "aws elbv2 describe-load-balancers"
        )
        return
    one = found["LoadBalancers"][0]
    name, state = one["LoadBalancerName"], one.get("State", {}).get("Code", "active")
    listeners = eye.aws(patient, "elbv2", "describe_listeners", LoadBalancerArn=balancer)["Listeners"]
    doors = ", ".join(f"{one['Protocol']} {one['Port']}" for one in listeners) or "nothing"
    if state != "active":
        yield patient.told("listener", "ng", f"the load balancer {name} is {state}",
                           f"aws elbv2 describe-load-balancers --names {name}")  # fmt: skip
    else:
        yield patient.told("listener", "ok", f"{name} listens on {doors}")


def _port(patient: Patient, eye: Eye, service: Service, balancers: Sequence[str], port: int) -> Iterator[Finding]:
    found = eye.aws(patient, "elbv2", "describe_load_balancers", LoadBalancerArns=[*balancers])["LoadBalancers"]
    groups = [group for one in found for group in one.get("SecurityGroups", ())]
    yield from door(patient, eye, "port", to=task_groups(service), who=groups, port=port,
                    words="load balancer to tasks")  # fmt: skip
