"""verify: one line where all agrees, otherwise each drift with its reason and the command that mends it."""

from __future__ import annotations

from multigit.model.drift import Drift, Verified
from multigit.ui.text import OK, REFUSED, WARNING, cells, count, pad, took, visible, wrap


def verified_text(found: Verified, *, width: int = 100) -> str:
    """What people read. A command is never broken over lines, so that it can be copied."""
    name = str(found.env or visible(found.title))
    repos = count(found.repos, "repository", plural="repositories")
    known = f"{count(found.releases, 'release')}, {count(found.records, 'record')}"
    older = f", {count(found.older_tags, 'older tag')}" if found.older_tags else ""
    last = f"last release {found.last}" if found.last else "no release yet"
    if not found.drifts:
        agree = f"{name}  {OK}: {repos}, {known} agree ({last}{older})"
        return "\n".join([*_open(found, width), *wrap(agree, width, hang=2), *_serves(found, width)])
    drifted = {drift.repo for drift in found.drifts}
    head = f"{name}  {count(len(found.drifts), 'drift')} in {len(drifted)} of {repos} ({known}; {last}{older})"
    room = max(cells(drift.repo) for drift in found.drifts)
    lines = [line for drift in found.drifts for line in _drift(drift, room, width)]
    open_run = _open(found, width)
    if any(drift.kind == "ledger" for drift in found.drifts):  # what such a ledger says of runs comes after that
        return "\n".join([*wrap(head, width, hang=2), *lines, *open_run, *_serves(found, width)])
    return "\n".join([*open_run, *wrap(head, width, hang=2), *lines, *_serves(found, width)])


def _open(found: Verified, width: int) -> list[str]:
    if not found.open_run:
        return []
    text = f"{WARNING} run {found.open_run} of {visible(found.open_by)} is open ({found.open_phase}): not judged yet"
    ways = (f"multigit resume {found.open_run}", f"multigit abort {found.open_run}")
    return [*wrap(text, width, hang=2), *(f"  fix   {way}" for way in ways)]


def _drift(drift: Drift, room: int, width: int) -> list[str]:
    what = f"{REFUSED} {pad(drift.repo, room)}  {visible(drift.what)}"
    why = wrap(f"    why   {visible(drift.why)}", width, hang=10) if drift.why else []
    return [*wrap(what, width, hang=4), *why, *([f"    fix   {visible(drift.fix)}"] if drift.fix else [])]


def _serves(found: Verified, width: int) -> list[str]:
    """What runs: one line for all that is well unless it was watched, and each that is not."""
    if not found.serves:
        return []
    ill = [one for one in found.serves if one.state == "ill"]
    told = f"{len(found.serves) - len(ill)} of {count(len(found.serves), 'health check')} well"
    watched = f" for {took(found.watched)}" if found.watched >= 60 and not ill else ""
    lines = [f"{found.env}  {told}{watched}" if ill else f"{found.env}  {OK}: {told}{watched}"]
    names = [str(one.repo or found.env) for one in found.serves]
    room = max(map(cells, names))
    for name, one in zip(names, found.serves, strict=True):
        mark = OK if one.state == "well" else REFUSED
        flaps = f" ({one.bad} of {one.asked} answers were not good)" if one.bad and one.asked > 1 else ""
        text = f"{mark} {pad(name, room)}  {visible(one.check)}  {visible(one.why)}{flaps}"
        lines += wrap(text, width, hang=4)
        lines += [f"    {visible(line)}" for line in one.details if one.state == "ill"]
    return lines
