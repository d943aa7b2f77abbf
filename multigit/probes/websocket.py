"""The WebSocket upgrade itself, by the health checks of the kind `websocket`, and what a refusal of it means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from multigit.model.health import Finding
from multigit.model.probing import Patient
from multigit.probes import Eye, one_line

_ANSWER: Final = re.compile(r"answers (\d{3})")
_BY_STATUS: Final = {
    "200": "an ordinary page: a rule of the listener leads elsewhere, or something between takes the upgrade away",
    "301": "it leads elsewhere: the address is not the one that upgrades",
    "302": "it leads elsewhere: the address is not the one that upgrades",
    "308": "it leads elsewhere: the address is not the one that upgrades",
    "400": "the server does not take it as an upgrade: something between takes the Upgrade header away",
    "401": "the server wants a login before the upgrade",
    "403": "refused: the server knows another Origin, or a firewall (WAF) is in the way",
    "404": "no such path: of the server, or of the listener's rules",
    "426": "the server wants another protocol: something between takes the Upgrade header away",
    "502": "the load balancer reaches no program behind the port: see tasks",
    "503": "the load balancer has no healthy target: see targets",
    "504": "the load balancer waits in vain for the target: see port",
}  # fmt: skip
_BY_WORDS: Final = (
    ("no answer in time", "a firewall or a security group drops it: the load balancer must be open on 443"),
    ("name or service", "the name has no address: Route 53 has no record of it"),
    ("name resolution", "the name has no address: Route 53 has no record of it"),
    ("refused", "nothing listens there: see listener"),
    ("certificate", "the certificate is not of this name, or has expired: ACM"),
)


def probe(patient: Patient, eye: Eye) -> Iterator[Finding]:
    """One finding for each WebSocket address."""
    for check in patient.checks:
        if check.kind != "websocket":
            continue
        said = eye.ask(check)
        why = one_line(said.why)
        if said.state == "pass":
            yield patient.told("upgrade", "ok", why)
            continue
        meant = meaning(why)
        again = f"multigit verify {patient.env.name} -r {patient.repo.name}"
        logs = f"multigit logs {patient.env.name} {patient.repo.name} --since 15m"
        yield patient.told("upgrade", "ng", f"{why} ({meant})" if meant else why, logs, again)


def meaning(why: str) -> str:
    """What is behind a failed upgrade, by what was answered; '' where that is not known."""
    if found := _ANSWER.search(why):
        return _BY_STATUS.get(found[1], "")
    said = why.partition(": ")[2].lower()  # behind the address, which may hold any word
    return next((words for word, words in _BY_WORDS if word in said), "")
