"""Which release a word means: a tag, its unique beginning, a run, `last`, `previous`."""

from __future__ import annotations

from multigit.app.session import Session
from multigit.errors import UsageError
from multigit.model.config import Environment
from multigit.model.fleet import Fleet, RepoState
from multigit.model.names import EnvName, Tag
from multigit.model.releases import releases
from multigit.tagschemes import matching, resolve


def meant(session: Session, fleet: Fleet, word: str, of: Environment | None = None) -> tuple[Environment, Tag]:
    """The environment and tag that REF names: a run, `last`, `previous`, a tag or the unique beginning of one.

    `of`: the environment whose last release is meant; else production's.
    """
    tags = {tag for state in fleet.repos for tag in state.tags}
    word = tag_word(session, fleet, word, of)
    tagged = [env for env in session.config.environments.values() if env.tag]
    own = [env for env in tagged if env.tag and word.startswith(env.tag.partition("{")[0] or word)]
    env = next(iter(own or sorted(tagged, key=lambda env: env.production, reverse=True)), None)
    if env is None or env.tag is None:
        raise UsageError(
            "no environment in repos.yaml has release tags", hint='add   tag: "deploy-{now:%Y%m%d-%H%M%S}"'
        )
    return env, resolve(env.tag, tags, word)


def tag_word(session: Session, fleet: Fleet, word: str, of: Environment | None = None) -> str:
    """What REF means in tags: `last` and `previous` release, a run's tag, or the word itself."""
    if word in ("last", "previous"):
        return _relative(session, fleet, word, of)
    run = next((run for run in fleet.history.runs.values() if run.id == word and run.tag), None)
    return run.tag if run and run.tag else word


def _relative(session: Session, fleet: Fleet, word: str, of: Environment | None) -> str:
    """`last`: the newest release that stands. `previous`: the newest one that stands before the newest release.

    A rollback is no release, and what was taken back does not stand: `previous` asked twice means the same.
    """
    config = session.config
    env = of or next((e for e in reversed(list(config.environments.values())) if e.tag), None)
    tags = {state.repo: _tags_of(state, env.tag) for state in fleet.repos} if env and env.tag else {}
    prefixes = {env.tag.partition("{")[0]: env.name} if env and env.tag else {}
    rows = releases(fleet.history, tags, env.name if env else None, len(config.fleet), prefixes, session.zone)
    made = [
        row for row in rows if row.tag and row.verb != "rollback" and row.result not in ("aborted", "failed", "open")
    ]
    if not made[word == "previous" :]:
        why = f"{made[0].tag} is the first one" if made else "nothing was released yet"
        raise UsageError(f"there is no {word} release to go to", why=why, hint="multigit history")
    stands = [row for row in (made if word == "last" else made[1:]) if row.result != "rolled back"]
    return stands[0].tag if stands and stands[0].tag else word


def release_before(session: Session, fleet: Fleet, env: Environment, tag: Tag | None) -> Tag | None:
    """The newest release of `env` that stands and came before `tag`; None where there is none."""
    if env.tag is None or tag is None:
        return None
    tags = {state.repo: _tags_of(state, env.tag) for state in fleet.repos}
    prefixes = {env.tag.partition("{")[0]: str(env.name)}
    rows = releases(fleet.history, tags, env.name, len(session.config.fleet), prefixes, session.zone)
    after = next((number for number, row in enumerate(rows) if row.tag == tag), 0)
    stands = (row.tag for row in rows[after + 1 :] if row.result in ("live", "ok", "partial", "tags only") and row.tag
              and row.verb != "rollback")  # fmt: skip
    return next(stands, None)


def _tags_of(state: RepoState, template: str) -> tuple[Tag, ...]:
    return tuple(matching(template, set(state.tags)))


def _tags(fleet: Fleet, template: str) -> list[Tag]:
    return matching(template, {tag for state in fleet.repos for tag in state.tags})


def live_tag(session: Session, fleet: Fleet, env: EnvName | None) -> Tag | None:
    """The newest release tag of an environment."""
    template = session.config.environments[env].tag if env else None
    known = _tags(fleet, template) if template else []
    return known[-1] if known else None
