"""What the types cannot say about signatures: keys that work, signers that exist, approvals that can be had."""

from __future__ import annotations

from collections.abc import Iterator

from multigit.configfile.problems import Finding, did_you_mean, one_of
from multigit.model.config import Config, Environment
from multigit.model.signatures import key_problem, normal_key


def findings(config: Config) -> Iterator[Finding]:
    """Everything that is wrong with `signing` and with the environments that rely on it."""
    seen: dict[str, str] = {}
    for address, key in config.signing.signers.items():
        where = ("signing", "signers", address)
        if problem := key_problem(key):
            yield Finding(where=where, message=f"this is no public key: {problem}")
        elif seen.setdefault(normal_key(key), address) != address:
            # One key for two people would let one of them approve their own plan.
            yield Finding(where=where, message=f"{address} has the same key as {seen[normal_key(key)]}")
    for env in config.environments.values():
        yield from _environment(config, env)


def _environment(config: Config, env: Environment) -> Iterator[Finding]:
    known = list(config.signing.signers)
    for field, addresses in (("signers", env.signers), ("approvers", env.approvers)):
        for number, address in enumerate(addresses):
            if address not in known:
                message = f'"{address}" has no key under signing.signers'
                suggestion = did_you_mean(address, known) or one_of(known)
                yield Finding(where=("environments", env.name, field, number), message=message, suggestion=suggestion)
    where = ("environments", env.name, "approvals")
    if env.approvals < 0:
        yield Finding(where=where, message="a number of people is not negative")
    elif env.approvals and not env.signers:
        suggestion = "name who may release here: signers: [ADDRESS, …]"
        yield Finding(where=where, message="approvals need signers: without signatures nobody knows the author",
                      suggestion=suggestion)  # fmt: skip
    elif env.approvals and env.approvals > len(set(env.may_approve)) - (set(env.signers) <= set(env.may_approve)):
        message = f"{env.approvals} approvals can never be had: {len(set(env.may_approve))} may approve, the author not"
        yield Finding(where=where, message=message)
