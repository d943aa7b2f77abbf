"""The sentences people answer, in English and Korean: prompts and both checklists (G4). The rest is English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

Lang = Literal["ko", "en"]

_SENTENCES: Final[dict[str, dict[Lang, str]]] = {
    "promote": {
        "en": "Merge {source} into {target} in {count} of {total} repositories?",
        "ko": "저장소 {total}개 중 {count}개에서 {source}을(를) {target}에 병합할까요?",
    },
    "backmerge": {
        "en": "Merge {source} back into {target} in {count} of {total} repositories?",
        "ko": "저장소 {total}개 중 {count}개에서 {source}을(를) {target}에 되병합할까요?",
    },
    "push": {
        "en": "Push {target} in {count} of {total} repositories?",
        "ko": "저장소 {total}개 중 {count}개에서 {target}을(를) 푸시할까요?",
    },
    "hotfix": {
        "en": "EMERGENCY: push past staging to {target} in {count} of {total} repositories?",
        "ko": "긴급 배포: 스테이징을 거치지 않고 저장소 {total}개 중 {count}개를 {target}에 푸시할까요?",
    },
    "rollback": {
        "en": "Take {target} back to {tag} in {count} of {total} repositories?",
        "ko": "저장소 {total}개 중 {count}개에서 {target}을(를) {tag}(으)로 되돌릴까요?",
    },
    "approve": {"en": "Approve this plan of {who} for {target}?", "ko": "{who} 님의 {target} 계획을 승인할까요?"},
    "infra": {
        "en": "Make or change {count} resources in AWS account {account}?",
        "ko": "AWS 계정 {account}의 리소스 {count}개를 만들거나 변경할까요?",
    },
    "deploy": {"en": "Deploy {target}?", "ko": "{target} 환경에 반영할까요?"},
    "take_back": {
        "en": "Take {target} back to what ran before, and its branches with it?",
        "ko": "{target} 환경을 이전 상태로 되돌리고 브랜치도 함께 되돌릴까요?",
    },
    "abort_deploy": {
        "en": "Give up deployment {run} and bring back what ran before?",
        "ko": "배포 {run}을(를) 중단하고 이전에 실행되던 것으로 되돌릴까요?",
    },
    "resume_deploy": {"en": "Go on with deployment {run}?", "ko": "배포 {run}을(를) 이어서 진행할까요?"},
    "resume": {"en": "Go on with run {run}?", "ko": "실행 {run}을(를) 이어서 진행할까요?"},
    "abort": {
        "en": "Give up run {run} and put back what it pushed?",
        "ko": "실행 {run}을(를) 중단하고 푸시한 내용을 되돌릴까요?",
    },
    "phrase": {"en": 'This changes production. Type "{phrase}" to go on:',
               "ko": '운영 환경이 변경됩니다. 계속하려면 "{phrase}"을(를) 입력하세요:'},
    "pre_title": {"en": "Before the deployment", "ko": "배포 전 확인"},
    "post_title": {"en": "After the deployment", "ko": "배포 후 확인"},
    "ticked": {"en": "{title} {number}/{total}: {item}?", "ko": "{title} {number}/{total}: {item}?"},
}  # fmt: skip

_PRE: Final[dict[Lang, tuple[str, ...]]] = {
    "en": (
        "staging tested",
        "database migration reviewed",
        "API endpoints tested",
        "user frontend and admin dashboard tested",
        "rollback plan ready",
        "team informed",
    ),
    "ko": (
        "스테이징 환경 테스트 완료",
        "데이터베이스 마이그레이션 검토 완료",
        "API 엔드포인트 테스트 완료",
        "사용자 프런트엔드와 관리자 대시보드 테스트 완료",
        "롤백 계획 준비 완료",
        "팀 공지 완료",
    ),
}

_POST: Final[dict[Lang, tuple[str, ...]]] = {
    "en": (
        "{url} answers and shows the new build",
        "a sign-in, a write and a live connection work for a real user",
        "logs and alarms are quiet for 30 minutes",
        "the team is told: {tag} is live",
        "hotfixes are merged back: multigit status",
        "if it goes wrong: {rollback}",
    ),
    "ko": (
        "{url} 응답과 새 빌드 확인",
        "실제 사용자로 로그인, 저장, 실시간 연결 확인",
        "30분 동안 로그와 경보 확인",
        "팀에 {tag} 배포 완료 공지",
        "핫픽스 되병합 확인: multigit status",
        "문제가 있으면: {rollback}",
    ),
}


def sentence(lang: Lang, key: str, **values: object) -> str:
    """The sentence `key` with its values filled in; KeyError for one that does not exist."""
    return _SENTENCES[key][lang].format(**values)


def readable(lang: Lang, can_show: Callable[[str], bool]) -> Lang:
    """`lang`, or English where the terminal's encoding cannot carry it (`Screen.can_show`)."""
    return lang if all(can_show(sentences[lang]) for sentences in _SENTENCES.values()) else "en"


def keys() -> tuple[str, ...]:
    """Every sentence there is."""
    return tuple(_SENTENCES)


def pre_deploy(lang: Lang) -> tuple[str, ...]:
    """What is ticked, item by item, before production changes."""
    return _PRE[lang]


def post_deploy(lang: Lang, *, tag: str, urls: Sequence[str] = (), rollback: str = "") -> tuple[str, ...]:
    """What to look at afterwards: one line per address, then the rest. `rollback`: the command that takes it back."""
    values: Mapping[str, str] = {"tag": tag, "rollback": rollback or f"multigit rollback {tag}"}
    first, *rest = _POST[lang]
    return (*(first.format(url=url) for url in urls), *(line.format(**values) for line in rest))


def checklist_text(title: str, items: Sequence[str]) -> str:
    """A checklist to read: a title and one `[ ]` per item."""
    return "\n".join([title, *(f"  [ ] {item}" for item in items)])
