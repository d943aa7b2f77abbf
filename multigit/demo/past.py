"""The past of the demo's repositories as data: who committed what, when; `stream` is git-fast-import(1) input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")
PEOPLE = {
    "김하늘": "haneul.kim@example.invalid",
    "이도윤": "doyun.lee@example.invalid",
    "안서연": "seoyeon.ahn@example.invalid",
}
NAMES = (
    "gli_root",
    "gli_database",
    "gli_redis",
    "gli_rabbitmq",
    "gli_api-server",
    "gli_websocket",
    "gli_user-frontend",
    "gli_admin-frontend",
)
TAGS = ("deploy-20260210-110233", "deploy-20260211-183012", "deploy-20260212-070014")

_START: Mapping[str, Mapping[str, str]] = {
    "gli_root": {"README.md": "# GLI\n", "Makefile": "up:\n\tdocker compose up -d\n"},
    "gli_database": {"migrations/0001_users.sql": "create table users (id bigint primary key);\n"},
    "gli_redis": {"redis.conf": "maxmemory 256mb\nmaxmemory-policy allkeys-lru\n"},
    "gli_rabbitmq": {"definitions.json": '{"queues": [{"name": "mail"}]}\n'},
    "gli_api-server": {
        "api/views.py": "def health(request):\n    return 200\n",
        "api/settings.py": "CORS_ALLOWED = ['https://glibiz.com']\nTIMEOUT = 30\nPAGE_SIZE = 20\n",
    },
    "gli_websocket": {"server.js": "const port = 8080;\nlisten(port);\n"},
    "gli_user-frontend": {
        "src/api/client.ts": "export const base = 'https://api.glibiz.com';\nexport const retries = 0;\n",
        "src/App.vue": "<template><Home /></template>\n",
    },
    "gli_admin-frontend": {"src/Dashboard.vue": "<template><Charts /></template>\n"},
}
_RELEASES: tuple[Mapping[str, tuple[tuple[str, Mapping[str, str]], ...]], ...] = (
    {
        "gli_api-server": (
            ("feat: 주문 내역 조회 API", {"api/orders.py": "def orders(user):\n    return []\n"}),
            ("test: 주문 내역", {"tests/test_orders.py": "def test_orders(): ...\n"}),
        ),
        "gli_user-frontend": (("feat: 주문 내역 화면", {"src/Orders.vue": "<template><List /></template>\n"}),),
        "gli_database": (
            ("feat: orders 테이블", {"migrations/0002_orders.sql": "create table orders (id bigint);\n"}),
        ),
    },
    {
        "gli_websocket": (("feat: 재접속 시 이어받기", {"resume.js": "export const resume = true;\n"}),),
        "gli_admin-frontend": (("feat: 매출 차트", {"src/Sales.vue": "<template><Bar /></template>\n"}),),
        "gli_redis": (("chore: 세션 만료 2시간", {"session.conf": "ttl 7200\n"}),),
    },
    {
        "gli_api-server": (("fix: 쿠폰 중복 적용", {"api/coupons.py": "def apply(code):\n    return once(code)\n"}),),
        "gli_user-frontend": (("fix: 쿠폰 안내 문구", {"src/Coupon.vue": "<template>한 번만</template>\n"}),),
    },
)
_WAITING: Mapping[str, tuple[tuple[str, Mapping[str, str]], ...]] = {
    "gli_api-server": (
        ("feat: 결제 재시도", {"api/payments.py": "def pay(order):\n    return retry(order, times=3)\n"}),
        ("perf: 목록 조회 캐시", {"api/cache.py": "TTL = 60\n"}),
    ),
    "gli_user-frontend": (("feat: 결제 재시도 버튼", {"src/Pay.vue": "<template><Retry /></template>\n"}),),
    "gli_admin-frontend": (("feat: 환불 승인", {"src/Refund.vue": "<template><Approve /></template>\n"}),),
}


@dataclass
class _Repo:
    """One repository while its past is written down."""

    name: str
    when: datetime
    mark: int = 0
    tips: dict[str, int] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    people: int = 0

    def commit(self, branch: str, message: str, files: Mapping[str, str], merged: str = "") -> None:
        """Commit on `branch`; `merged` names the branch it merges."""
        self.mark += 1
        self.when += timedelta(minutes=37)
        self.people += 1
        name = list(PEOPLE)[self.people % len(PEOPLE)]
        who = f"{name} <{PEOPLE[name]}> {int(self.when.timestamp())} +0900"
        now = self.files.setdefault(branch, {})
        now |= self.files[merged] if merged else dict(files)
        self.lines += [f"commit refs/heads/{branch}", f"mark :{self.mark}", f"author {who}", f"committer {who}"]
        self.lines += [_data(message)]
        self.lines += [f"from :{self.tips[branch]}"] if branch in self.tips else []
        self.lines += [f"merge :{self.tips[merged]}"] if merged else []
        for path, content in now.items():
            self.lines += [f"M 100644 inline {path}", _data(content)]
        self.tips[branch] = self.mark

    def fork(self, branch: str, source: str) -> None:
        """Start `branch` where `source` stands."""
        self.tips[branch], self.files[branch] = self.tips[source], dict(self.files[source])
        self.lines += [f"reset refs/heads/{branch}", f"from :{self.tips[source]}", ""]

    def tag(self, name: str, when: datetime) -> None:
        """Tag main, as the scripts of old did."""
        who = f"안서연 <{PEOPLE['안서연']}> {int(when.timestamp())} +0900"
        self.lines += [f"tag {name}", f"from :{self.tips['main']}", f"tagger {who}", _data(f"Production {name}\n")]


def stream(name: str) -> bytes:
    """What one repository went through, for `git fast-import`."""
    repo = _Repo(name, datetime(2026, 1, 12, 9, 0, tzinfo=SEOUL))
    repo.commit("main", "chore: 저장소 시작\n", _START[name])
    repo.commit("main", "docs: 배포 순서 정리\n", {"docs/deploy.md": "dev -> stg -> main\n"})
    repo.fork("dev", "main")
    repo.fork("stg", "main")
    for number, (tag, release) in enumerate(zip(TAGS, _RELEASES, strict=True)):
        when = datetime.strptime(tag, "deploy-%Y%m%d-%H%M%S").replace(tzinfo=SEOUL)
        _promoted(repo, release.get(name, ()), when)
        if (number, name) != (1, "gli_user-frontend"):  # a tag that never arrived: one of the scripts' leftovers
            repo.tag(tag, when)
    repo.when = datetime(2026, 2, 12, 9, 30, tzinfo=SEOUL)
    for message, files in _WAITING.get(name, ()):
        repo.commit("dev", message + "\n", files)
    return ("\n".join(repo.lines) + "\n").encode()


def _promoted(repo: _Repo, work: tuple[tuple[str, Mapping[str, str]], ...], released: datetime) -> None:
    repo.when = released - timedelta(hours=6)
    for message, files in work:
        repo.commit("dev", message + "\n", files)
    if work:
        repo.commit("stg", "Merge dev into stg\n", {}, merged="dev")
        repo.commit("main", "Merge stg into main (production deployment)\n", {}, merged="stg")


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}"


def later(branch: str, tip: str, message: str, files: Mapping[str, str]) -> bytes:
    """One more commit on `branch`, on top of the commit `tip`: what a colleague pushes while the demo runs."""
    return "\n".join(_later(branch, tip, message, files)).encode() + b"\n"


def _later(branch: str, tip: str, message: str, files: Mapping[str, str]) -> Iterator[str]:
    who = f"이도윤 <{PEOPLE['이도윤']}> {int(datetime.now(SEOUL).timestamp())} +0900"
    yield f"commit refs/heads/{branch}"
    yield f"author {who}"
    yield f"committer {who}"
    yield _data(message + "\n")
    yield f"from {tip}"
    for path, content in files.items():
        yield f"M 100644 inline {path}"
        yield _data(content)
