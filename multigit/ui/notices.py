"""Notices in English and Korean: a headline, a few lines, and a line for each repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from multigit.model.notice import Change, Notice, Telling
from multigit.ui.lang import Lang
from multigit.ui.text import clock, count, short_oids, visible

_MOST: Final = 50
"""Repositories that are named one by one."""
_LONGEST: Final = 500
"""Characters of a text from outside."""

_WHAT: Final[Mapping[str, Mapping[Lang, str]]] = {
    "promote": {"en": "release", "ko": "배포"},
    "hotfix": {"en": "EMERGENCY release", "ko": "긴급 배포"},
    "push": {"en": "publication", "ko": "게시"},
    "rollback": {"en": "rollback", "ko": "롤백"},
    "backmerge": {"en": "back-merge", "ko": "되병합"},
    "deploy": {"en": "deployment", "ko": "배포 반영"},
}
_HEADS: Final[Mapping[str, Mapping[Lang, str]]] = {
    "started": {"en": "{what} began", "ko": "{what} 시작"},
    "finished": {"en": "{what} finished", "ko": "{what} 완료"},
    "rolled-back": {"en": "rolled back", "ko": "롤백 완료"},
    "back-merged": {"en": "merged back", "ko": "되병합 완료"},
    "failed": {"en": "{what} FAILED", "ko": "{what} 실패"},
    "aborted": {"en": "{what} taken back", "ko": "{what} 취소"},
    "deploying": {"en": "deployment began", "ko": "배포 반영 시작"},
    "deployed": {"en": "deployed, and well", "ko": "배포 반영 완료, 정상"},
    "held": {"en": "frozen", "ko": "배포 중지"},
    "lifted": {"en": "free again", "ko": "배포 중지 해제"},
    "test": {"en": "test notice", "ko": "시험 알림"},
}
_SENTENCES: Final[Mapping[str, Mapping[Lang, str]]] = {
    "promote": {"en": "{who}: {source} into {env}", "ko": "{who} 님: {source}{을} {env}에 병합"},
    "hotfix": {"en": "{who}: past staging into {env}", "ko": "{who} 님: 스테이징을 거치지 않고 {env}에 배포"},
    "push": {"en": "{who}: daily work to {env}", "ko": "{who} 님: 작업 내용을 {env}에 게시"},
    "deploy": {"en": "{who}: {env} gets what was released", "ko": "{who} 님: {env} 환경에 반영"},
    "rollback": {"en": "{who}: {env} back to {to}", "ko": "{who} 님: {env} 환경을 {to}{로} 되돌림"},
    "backmerge": {"en": "{who}: {source} back into {env}", "ko": "{who} 님: {source}{을} {env}에 되병합"},
    "held": {
        "en": "{who}: nothing goes to {env} until it is released",
        "ko": "{who} 님: 해제할 때까지 {env} 배포 불가",
    },
    "lifted": {"en": "{who}: {env} may be released to again", "ko": "{who} 님: {env} 배포 가능"},
    "test": {
        "en": "{who}: this is a test, nothing happened",
        "ko": "{who} 님: 시험입니다. 아무 일도 일어나지 않았습니다",
    },
}
_LABELS: Final[Mapping[str, Mapping[Lang, str]]] = {
    "tag": {"en": "tag", "ko": "태그"},
    "reason": {"en": "reason", "ko": "사유"},
    "why": {"en": "why", "ko": "원인"},
    "changed": {"en": "changed", "ko": "변경"},
    "run": {"en": "run", "ko": "실행"},
    "time": {"en": "time", "ko": "시각"},
    "next": {"en": "next", "ko": "다음"},
    "state": {"en": "state", "ko": "상태"},
}
_OPEN: Final[Mapping[Lang, str]] = {
    "en": "the run is left open: nothing else can begin until it is settled",
    "ko": "실행이 열린 채로 남아 있습니다. 정리할 때까지 다른 실행을 시작할 수 없습니다",
}
_OPEN_DEPLOYMENT: Final[Mapping[Lang, str]] = {
    "en": "it is left open: nothing else is deployed to {env} until it is settled",
    "ko": "열린 채로 남아 있습니다. 정리할 때까지 {env}에 다른 것을 반영할 수 없습니다",
}
_COUNTED: Final[Mapping[Lang, str]] = {
    "en": "{changed} of {total} repositories",
    "ko": "저장소 {total}개 중 {changed}개",
}
_MORE: Final[Mapping[Lang, str]] = {"en": "and {number} more", "ko": "외 {number}개"}
_STATUS: Final[Mapping[str, Mapping[Lang, str]]] = {
    "waits": {"en": "not begun", "ko": "시작되지 않음"},
    "begun": {"en": "under way", "ko": "진행 중"},
    "ok": {"en": "ok", "ko": "정상"},
    "failed": {"en": "FAILED", "ko": "실패"},
    "landed": {"en": "landed", "ko": "반영됨"},
    "void": {"en": "not pushed", "ko": "푸시되지 않음"},
    "undone": {"en": "put back", "ko": "되돌림"},
    "restored": {"en": "put back by a commit on top", "ko": "새 커밋으로 되돌림"},
    "diverged": {"en": "DIVERGED: somebody built on it", "ko": "갈라짐: 그 위에 다른 작업이 있음"},
    "untouched": {"en": "not touched", "ko": "변경 없음"},
}
AUTOMATIC_ROLLBACK: Final[Mapping[Lang, str]] = {
    "en": "Automatic rollback - {service}, {reason}, {version}",
    "ko": "자동 롤백 실행 - {service}, {reason}, {version}",
}
"""Mission M5: of a deployment that was taken back."""


def telling(notice: Notice, lang: Lang) -> Telling:
    """`notice` in words. Text from outside is on one line, without control characters, and not too long."""
    said = _values(notice, lang)
    what = _HEADS[notice.event][lang].format(what=_WHAT.get(notice.verb, {"en": "run", "ko": "실행"})[lang])
    place = f" {said['env']}" if notice.env else ""
    stands = notice.event in ("finished", "deployed") or (notice.event == "rolled-back" and notice.verb != "deploy")
    tag = f" ({said['tag']})" if notice.tag and stands else ""  # what a deployment took back is not what runs now
    headline = f"{_shown(notice.title)}{place}: {what}{tag}"
    return Telling(notice=notice, headline=headline, lines=_lines(notice, lang, said),
                   details=_details(notice.changes, lang))  # fmt: skip


def _values(notice: Notice, lang: Lang) -> dict[str, str]:
    texts = {name: _shown(getattr(notice, name)) for name in ("env", "source", "tag", "to", "run", "reason", "why")}
    particles = (
        {"을": particle(texts["source"], "을", "를"), "로": particle(texts["to"], "으로", "로")} if lang == "ko" else {}
    )
    return {**texts, **particles, "who": _shown(notice.by or notice.email or "?")}


def _lines(notice: Notice, lang: Lang, said: Mapping[str, str]) -> tuple[str, ...]:
    sentence = _SENTENCES.get(notice.event) or _SENTENCES.get(notice.verb)
    lines = [sentence[lang].format(**said)] if sentence else []
    if notice.verb == "deploy" and notice.event == "rolled-back":
        back = [change for change in notice.changes if change.status == "undone"]
        service = _listed([_shown(change.repo) for change in back], lang) or "-"
        version = ", ".join(change.old[:8] for change in back if change.old)
        lines.append(AUTOMATIC_ROLLBACK[lang].format(service=service, reason=said["why"], version=version or "-"))
    failed = notice.event in ("failed", "aborted")  # then there is no such tag
    rows = [
        ("tag", "" if failed else said["tag"]), ("reason", said["reason"]), ("why", said["why"]),
        ("changed", _changed(notice, lang)), ("state", _opened(notice, lang)),
        ("run", "" if notice.verb == "hold" else said["run"]), ("time", clock(notice.at, ZoneInfo(notice.timezone))),
    ]  # fmt: skip
    lines += [f"{_LABELS[label][lang]}: {text}" for label, text in rows if text]
    return (*lines, *(f"{_LABELS['next'][lang]}: {_shown(command)}" for command in notice.next))


def _opened(notice: Notice, lang: Lang) -> str:
    if not notice.open:
        return ""
    return _OPEN_DEPLOYMENT[lang].format(env=_shown(notice.env)) if notice.verb == "deploy" else _OPEN[lang]


def _changed(notice: Notice, lang: Lang) -> str:
    if not notice.changes:
        return ""
    counted = _COUNTED[lang].format(changed=len(notice.changes), total=len(notice.changes) + notice.unchanged)
    return f"{counted}: {_listed([_shown(change.repo) for change in notice.changes], lang)}"


def _listed(names: Sequence[str], lang: Lang) -> str:
    left = len(names) - _MOST
    return ", ".join([*names[:_MOST], *([_MORE[lang].format(number=left)] if left > 0 else [])])


def _details(changes: Sequence[Change], lang: Lang) -> tuple[str, ...]:
    lines = [_detail(change, lang) for change in changes[:_MOST]]
    left = len(changes) - _MOST
    return (*lines, *([_MORE[lang].format(number=left)] if left > 0 else []))


def _detail(change: Change, lang: Lang) -> str:
    commits = (
        "" if not change.commits else f"커밋 {change.commits}개" if lang == "ko" else count(change.commits, "commit")
    )
    status = _STATUS.get(change.status, {}).get(lang, _shown(change.status))
    words = [f"{_shown(change.repo)} {_shown(change.branch)}", short_oids(change.old, change.new), commits, status]
    return "  ".join(word for word in words if word)


def _shown(text: str) -> str:
    plain = visible(text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def particle(word: str, closed: str, opened: str) -> str:
    """The Korean particle after `word`: `closed` (을, 으로) after a final consonant, `opened` (를, 로) after a vowel.

    Syllables and digits are read aloud to tell; both are written, `을(를)`, after anything else.
    """
    last = word[-1:]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
    elif last.isascii() and last.isdigit():
        final = {"0": 21, "1": 8, "3": 16, "6": 1, "7": 8, "8": 8}.get(last, 0)  # 영 일 삼 육 칠 팔
    else:
        return f"{closed}({opened})" if not closed.startswith("으") else f"({closed[0]}){opened}"
    rieul = final == 8 and closed == "으로"  # 서울로, 1로
    return closed if final and not rieul else opened
