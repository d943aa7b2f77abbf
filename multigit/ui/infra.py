"""infra: one line for each resource that is not as it should be, what differs, and the command that helps."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from multigit.model.infra.changes import Change, Difference, Infrastructure
from multigit.ui.text import CHANGE, OK, OPEN, REFUSED, SAME, WARNING, cells, count, pad, visible, wrap

MARKS: Final = {"create": CHANGE, "mend": "~", "adopt": "~", "keep": SAME, "unmanaged": WARNING, "unread": REFUSED,
                "unnamed": OPEN}  # fmt: skip
_WORDS: Final = {"create": "to make", "mend": "to mend", "adopt": "to adopt", "keep": "as they should be",
                 "unmanaged": "not managed", "unread": "not read", "unnamed": "no longer named"}  # fmt: skip

_ARN: Final = re.compile(r"arn:[a-z-]+:([a-z0-9-]+):[a-z0-9-]*:[0-9]*:")
"""What all ARNs of an account begin with says nothing on a screen; the document has them whole."""


def infra_text(found: Infrastructure, *, width: int = 100) -> str:
    """The whole answer of `infra plan`, and what is shown before `infra apply` asks."""
    where = f"account {found.account}   {found.region}" + (f"   {found.env} only" if found.env else "")
    lines = [f"INFRA {visible(found.title)}   {where}"]
    shown = [one for one in found.changes if one.action != "keep"]
    rooms = _rooms(shown)
    for one in shown:
        lines += _change(one, rooms, width)
    return "\n".join([*lines, *wrap(_closing(found), width, hang=2)])


def done_text(found: Infrastructure, *, width: int = 100) -> str:
    """What became of it: what was done in one line each, what is left with its reason."""
    shown = [one for one in found.changes if one.outcome or one.action in ("unread", "unmanaged")]
    rooms = _rooms(shown)
    lines: list[str] = []
    for one in shown:
        if one.outcome == "done":
            lines += wrap(f"{pad(OK, 2)} {_name(one, rooms)}", width, hang=4)
        else:
            word = one.outcome or one.action
            why = visible(one.why or word)
            lines += wrap(f"{pad(REFUSED, 2)} {_name(one, rooms)}  {why}", width, hang=4)
            lines += [f"     fix  {visible(fix)}" for fix in one.fix.split("\n") if fix and fix != "--adopt"]
    done = sum(one.outcome == "done" for one in found.changes)
    left = len(shown) - done
    if not left:
        return "\n".join([*lines, f"done: {count(done, 'resource')}; looked at again, nothing differs"])
    return "\n".join([*lines, f"{count(done, 'resource')} done, {left} left; the same command goes on"])


def _rooms(shown: list[Change]) -> tuple[int, int]:
    return max((cells(one.kind) for one in shown), default=1), max(
        (cells(visible(one.name)) for one in shown), default=1
    )


def _name(one: Change, rooms: tuple[int, int]) -> str:
    return f"{pad(one.kind, rooms[0])}  {pad(visible(one.name), rooms[1])}  {one.env or '-'}"


def _change(one: Change, rooms: tuple[int, int], width: int) -> list[str]:
    shown = one.differs if one.does else ()
    new = one.action == "create"
    short = ", ".join(text for differ in shown if _short(differ, new=new) for text in _difference(differ, new=new))
    words = "  ".join(filter(None, (visible(one.why), short)))
    lines = wrap(f"{MARKS[one.action]} {_name(one, rooms)}" + (f"  {words}" if words else ""), width, hang=4)
    for differ in shown:
        for text in () if _short(differ, new=new) else _difference(differ, new=new):
            lines += wrap(f"    {text}", width, hang=8)
    fixes = [fix for fix in one.fix.split("\n") if fix and fix != "--adopt"]
    if one.fix == "--adopt":
        fixes = ["multigit infra apply --adopt   (adds the tags Project and ManagedBy, and mends it)"]
    return [*lines, *(f"    fix  {visible(fix)}" for fix in fixes)]


def _short(differ: Difference, *, new: bool) -> bool:
    """Whether it has room on the line of a resource that is made: no policies."""
    return new and not (isinstance(differ.want, dict) and "Statement" in differ.want)


def _difference(differ: Difference, *, new: bool) -> list[str]:
    """`days 30`, `versioning off -> on`; of lists and policies, what is missing and what is too much."""
    have, want = _rows(differ.have), _rows(differ.want)
    if have is not None and want is not None:
        return [f"{differ.aspect} - {row}" for row in have if row not in want] + [
            f"{differ.aspect} + {row}" for row in want if row not in have
        ]
    if want is not None:
        return [f"{differ.aspect} {'' if new else '+ '}{row}" for row in want]
    if new:
        return [f"{differ.aspect} {_said(differ.want)}"] if differ.want not in (None, "", False, {}) else []
    return [f"{differ.aspect} {_said(differ.have)} -> {_said(differ.want)}"]


def _rows(value: Any) -> list[str] | None:
    """A list, or a policy, as lines; None where it is one value."""
    if isinstance(value, dict) and "Statement" in value:
        value = value["Statement"] if isinstance(value["Statement"], list) else [value["Statement"]]
        return [_statement(one) for one in value]
    return [_said(one) for one in value] if isinstance(value, list) else None


def _statement(one: dict[str, Any]) -> str:
    who = f" by {_said(one['Principal'])}" if "Principal" in one else ""
    on = f" on {_flat(one['Resource'])}" if "Resource" in one else ""
    when = f" if {_said(one['Condition'])}" if "Condition" in one else ""
    text = f"{str(one.get('Effect', '')).lower()} {_flat(one.get('Action', one.get('NotAction', '')))}{on}{who}{when}"
    return visible(_ARN.sub(r"\1:", text))


def _flat(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == "":
        return "(none)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text if isinstance(value, str) else text.replace('"', ""))


def _closing(found: Infrastructure) -> str:
    number = {action: sum(one.action == action for one in found.changes) for action in MARKS}
    parts = [f"{many} {_WORDS[action]}" for action, many in number.items() if many]
    if not any(one.does for one in found.changes):
        return f"nothing to do: {', '.join(parts) or 'repos.yaml names nothing here'}"
    live = f"   PRODUCTION: confirmed with {found.phrase!r}" if found.production else ""
    return f"Plan {found.digest[:8]}: {', '.join(parts)}{live}"
