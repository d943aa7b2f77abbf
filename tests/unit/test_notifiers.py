"""Each notifier against a server that answers like its own: what it sends, and what it says when it is refused."""

from __future__ import annotations

import hashlib
import hmac
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from multigit import notifiers
from multigit.model.notice import Telling, trial
from multigit.model.notifier import Notifier
from multigit.model.schemas import generate
from multigit.notifiers import Clients, NotSent, deliver
from multigit.notifiers.webhook import signature
from multigit.ui.notices import telling
from tests.support.oddweb import Certificates
from tests.support.receivers import FakeSlack, Receiver, free_port, incoming_webhook
from tests.support.serverfixtures import require
from tests.support.subjects import CONFIG, KIM, NOON
from tests.unit.test_notices import HOSTILE, STORY

DONE = telling(STORY["finished"], "en")
BEGUN = telling(STORY["started"], "en")


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver().running() as receiver:
        yield receiver


@pytest.fixture
def slack(server: Receiver) -> FakeSlack:
    fake = FakeSlack(people={"kim@example.com": "U0KIM00001", "lee@example.com": "U0LEE00001"})
    server.answer = fake.answer
    return fake


def rule(kind: str, **settings: Any) -> Notifier:
    return Notifier(kind=kind, name=kind, settings={"address": "${env:ADDRESS}", **settings})


def clients(address: str, kept: dict[str, str] | None = None, **environ: str) -> Clients:
    return Clients(environ={"ADDRESS": address, **environ}, seconds=1.0, kept={} if kept is None else kept)


def refused(how: Notifier, event: Telling, using: Clients) -> NotSent:
    with pytest.raises(NotSent) as caught:
        deliver(how, event, using)
    return caught.value


# --- webhook -----------------------------------------------------------------------------------------------------


def test_a_webhook_gets_the_documented_body_signed(server: Receiver) -> None:
    assert not deliver(rule("webhook", secret="${env:KEY}"), DONE, clients(f"{server.url}/hook?x=1", KEY="geheim"))
    (got,) = server.got
    jsonschema.Draft202012Validator(generate()["notice.1.json"]).validate(got.json)
    assert (got.path, got.headers["x-multigit-event"]) == ("/hook?x=1", "finished")
    assert got.headers["x-multigit-delivery"] == got.json["id"]
    expected = "sha256=" + hmac.new(b"geheim", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-multigit-signature-256"] == expected == signature("geheim", got.body)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://example.com/hook", "the address is http"),
        ("ftp://127.0.0.1/x", "no https URL"),
        ("file:///etc/passwd", "no https URL"),
        ("https://kim:kanari@example.com/", "user name or password"),
        ("https://[::1/x", "no URL"),
        ("", "ADDRESS is not set"),
        ("https://x/\x07", "control characters"),
    ],
)
def test_an_address_that_nothing_is_sent_to(address: str, why: str) -> None:
    problem = refused(rule("webhook"), DONE, clients(address))
    assert why in problem.why
    assert problem.lasting
    assert "kanari" not in problem.why


def test_a_redirect_is_not_followed(server: Receiver) -> None:
    server.answer = lambda got: (307, {"Location": f"{server.url}/other"}, "")
    problem = refused(rule("webhook"), DONE, clients(f"{server.url}/hook"))
    assert "redirects are not followed" in problem.why
    assert [got.path for got in server.got] == ["/hook"]


@pytest.mark.parametrize(
    ("status", "lasting"), [(400, True), (404, True), (410, True), (408, False), (500, False), (503, False)]
)
def test_what_may_pass_and_what_lasts(server: Receiver, status: int, lasting: bool) -> None:
    server.answer = lambda got: (status, {}, "no")
    problem = refused(rule("webhook"), DONE, clients(server.url))
    assert (problem.why, problem.lasting) == (f"it answered {status}: no", lasting)


def test_retry_after_is_handed_on(server: Receiver) -> None:
    server.answer = lambda got: (429, {"Retry-After": "17"}, "")
    problem = refused(rule("webhook"), DONE, clients(server.url))
    assert (problem.retry_after, problem.lasting) == (17.0, False)
    server.answer = lambda got: (429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, "")
    assert refused(rule("webhook"), DONE, clients(server.url)).retry_after == 30.0, "no seconds: half a minute"


@pytest.mark.fault("notices-down")
def test_a_server_that_is_silent_or_gone(server: Receiver) -> None:
    server.delay = 3.0
    assert refused(rule("webhook"), DONE, clients(server.url)).why == "no answer within 1 s"
    gone = f"http://127.0.0.1:{free_port()}/"
    assert "Connection refused" in refused(rule("webhook"), DONE, clients(gone)).why


@pytest.mark.fault("canary-notice")
def test_what_a_server_quotes_of_the_address_is_hidden(server: Receiver) -> None:
    server.answer = lambda got: (400, {}, f"{server.url}{got.path} {got.path} kanari-secret \x1b[31m")
    why = refused(rule("webhook"), DONE, clients(f"{server.url}/services/kanari-secret")).why
    assert "kanari" not in why
    assert "***" in why


# --- pagerduty ---------------------------------------------------------------------------------------------------


def test_pagerduty_triggers_and_resolves_one_incident_per_run(server: Receiver) -> None:
    how = rule("pagerduty", api=server.url)
    for name in ("started", "failed", "aborted"):
        deliver(how, telling(STORY[name], "en"), clients("routing-key"))
    trigger, resolve = (got.json for got in server.got)
    assert {got.path for got in server.got} == {"/v2/enqueue"}
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"] == "multigit:gli:r-0123456789ab"
    payload = trigger["payload"]
    assert (payload["severity"], payload["source"]) == ("critical", "multigit@desk")
    assert payload["summary"].startswith("gli prod: release FAILED")
    assert trigger["routing_key"] == "routing-key"


def test_a_test_leaves_no_incident_open(server: Receiver) -> None:
    deliver(rule("pagerduty", api=server.url), telling(trial(CONFIG, KIM, NOON), "en"), clients("key"))
    assert [got.json["event_action"] for got in server.got] == ["trigger", "resolve"]
    assert len({got.json["dedup_key"] for got in server.got}) == 1


# --- slack -------------------------------------------------------------------------------------------------------


def bot(server: Receiver, **more: Any) -> Notifier:
    return rule("slack", channel="#releases", api=f"{server.url}/api/", **more)


@pytest.mark.shows("S5")
def test_slack_one_message_is_updated_details_in_its_thread_and_owners_are_told(
    server: Receiver, slack: FakeSlack
) -> None:
    kept: dict[str, str] = {}
    how = bot(server, owners={"api": ["lee@example.com"], "web": ["U0OTHER001"]})
    for event in (BEGUN, DONE):
        assert deliver(how, event, clients(slack.token, kept)) == ""
    (text,) = slack.shown("C0RELEASES")
    assert "release finished" in text
    assert [m.edits for m in slack.messages.values()] == [1, 0, 0]
    assert slack.shown("C0RELEASES", thread=True) == ["api main  0000000..bbbbbbb  landed"]
    assert len(slack.shown("U0LEE00001")) == 1, "the owner of what changed, and nobody else"
    deliver(how, DONE, clients(slack.token, kept))
    assert len(slack.messages) == 3, "what is done is not done again"


def test_slack_a_message_that_cannot_be_changed_is_posted_anew(server: Receiver, slack: FakeSlack) -> None:
    kept: dict[str, str] = {}
    deliver(bot(server), BEGUN, clients(slack.token, kept))
    slack.locked = True
    assert "posted anew" in deliver(bot(server), DONE, clients(slack.token, kept))
    assert len(slack.shown("C0RELEASES")) == 2
    slack.locked = False
    away = telling(replace(STORY["finished"], host="another"), "en")
    assert "what another may have posted" in deliver(bot(server), away, clients(slack.token))
    elsewhere = {"channel": "C0RELEASES", "ts": "1.1"}
    assert "message_not_found" in deliver(bot(server), DONE, clients(slack.token, elsewhere))


@pytest.mark.parametrize(
    ("token", "channel", "why"),
    [
        ("xoxb-wrong", "#releases", "the token is not valid (invalid_auth)"),
        ("xoxb-fake-token-000", "#nowhere", "there is no such channel"),
        ("xoxb-fake-token-000", "", "must name the channel"),
        ("hunter2-kanari", "#releases", "is neither a bot token"),
    ],
)
def test_slack_says_what_to_mend(server: Receiver, slack: FakeSlack, token: str, channel: str, why: str) -> None:
    problem = refused(rule("slack", channel=channel, api=f"{server.url}/api/"), DONE, clients(token))
    assert why in problem.why
    assert problem.lasting
    assert "kanari" not in problem.why


def test_slack_that_asks_to_wait(server: Receiver, slack: FakeSlack, caplog: pytest.LogCaptureFixture) -> None:
    slack.wait = [7]
    problem = refused(bot(server), DONE, clients(slack.token))
    assert (problem.retry_after, problem.lasting) == (7.0, False)
    server.answer = lambda got: (502, {"Content-Type": "text/html"}, "<html>bad gateway</html>")
    assert not refused(bot(server), DONE, clients(slack.token)).lasting
    assert not caplog.records, "the library's own log would be on stderr"


@pytest.mark.fault("notices-down")
def test_slack_silent_or_gone(server: Receiver, slack: FakeSlack) -> None:
    server.delay = 2.5
    assert "no answer" in refused(bot(server), DONE, clients(slack.token)).why
    gone = rule("slack", channel="#releases", api="http://127.0.0.1:1/api/")
    assert "Connection refused" in refused(gone, DONE, clients(slack.token)).why


def test_slack_without_its_library(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slack_sdk", None)
    assert 'pip install "multigit-release[slack]"' in refused(bot(server), DONE, clients("xoxb-1")).why


def test_slack_a_webhook_gets_plain_posts(server: Receiver) -> None:
    server.answer = incoming_webhook
    url = f"{server.url}/services/T000/B000/kanari"
    for event in (BEGUN, DONE):
        deliver(rule("slack"), event, clients(url))
    first, last = (got.json for got in server.got)
    assert "release began" in first["text"]
    assert last["text"].endswith("api main  0000000..bbbbbbb  landed")
    assert "no_service" in refused(rule("slack"), DONE, clients(f"{server.url}/services/gone")).why


@pytest.mark.parametrize("kind", ["slack", "webhook of slack"])
def test_slack_nobody_is_mentioned_by_text_from_outside(server: Receiver, slack: FakeSlack, kind: str) -> None:
    hostile = telling(replace(STORY["failed"], why=HOSTILE, by=HOSTILE, title=HOSTILE), "en")
    if kind != "slack":
        server.answer = incoming_webhook
    address = slack.token if kind == "slack" else f"{server.url}/services/T000/B000/kanari"
    deliver(bot(server, thread=False), hostile, clients(address))
    sent = server.got[0].json
    assert "<" not in sent["text"]
    assert "&lt;!channel&gt;" in sent["text"]
    assert (sent["mrkdwn"], sent["link_names"], sent["parse"]) == (False, False, "none")


def test_slack_dm_writes_to_the_author_owners_or_a_person(server: Receiver, slack: FakeSlack) -> None:
    api = f"{server.url}/api/"
    for settings in ({"to": "author"}, {"to": "owners", "owners": {"api": ["lee@example.com"]}}, {"to": "U0LEE00001"}):
        assert deliver(rule("slack-dm", api=api, **settings), DONE, clients(slack.token)) == ""
    assert [m.channel for m in slack.messages.values()] == ["U0KIM00001", "U0LEE00001", "U0LEE00001"]
    slack.people.clear()
    remark = deliver(rule("slack-dm", api=api), DONE, clients(slack.token))
    assert remark == "Slack knows nobody with the address kim@example.com"
    assert "a webhook cannot write to a person" in refused(rule("slack-dm"), DONE, clients("https://hooks.x/y")).why


# --- email -------------------------------------------------------------------------------------------------------


class Mailbox:
    """An SMTP server's memory. `full`: recipients it refuses."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.full: set[str] = set()
        self.answer = "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: ARG002
        if address in self.full:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002
        self.envelopes.append(envelope)
        return self.answer


@pytest.fixture
def box() -> Iterator[tuple[Mailbox, str]]:
    def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = (data.login, data.password) == (b"multigit", b"right")
        return AuthResult(success=good, handled=False)

    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), authenticator=login, auth_require_tls=False)
    controller.start()
    try:
        yield box, f"127.0.0.1:{controller.port}"
    finally:
        controller.stop()


MAIL = {"from": "multigit@shop.example", "to": ["team@shop.example", "ops@shop.example"], "tls": "none"}
LOGIN = {"user": "${env:USER_NAME}", "password": "${env:PASS}"}


def parsed(envelope: Any) -> Any:
    from email import message_from_bytes
    from email.policy import default

    return message_from_bytes(envelope.content, policy=default)


@pytest.mark.shows("G16")
def test_a_mail_arrives_whole_in_korean(box: tuple[Mailbox, str]) -> None:
    told = telling(STORY["rolled-back"], "ko")
    using = clients(box[1], USER_NAME="multigit", PASS="right")
    assert deliver(rule("email", **MAIL, **LOGIN), told, using) == ""
    (envelope,) = box[0].envelopes
    assert envelope.rcpt_tos == MAIL["to"]
    mail = parsed(envelope)
    assert mail["Subject"] == told.headline == "gli prod: 롤백 완료 (deploy-20260212-120000)"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == parsed(envelope)["References"] == "<r-0123456789ab.gli@multigit.invalid>"
    assert told.lines[0] in mail.get_content()


def test_no_text_from_outside_becomes_a_header(box: tuple[Mailbox, str]) -> None:
    hostile = telling(replace(STORY["failed"], title=HOSTILE, system=HOSTILE, run=HOSTILE, why=HOSTILE), "en")
    deliver(rule("email", **MAIL), hostile, clients(box[1]))
    mail = parsed(box[0].envelopes[0])
    assert mail["Bcc"] is None
    assert box[0].envelopes[0].rcpt_tos == MAIL["to"]
    assert "\\r\\nBcc: all@x" in mail["Subject"]


def test_a_refused_login_and_refused_recipients(box: tuple[Mailbox, str]) -> None:
    using = clients(box[1], USER_NAME="multigit", PASS="wrong-kanari")
    problem = refused(rule("email", **MAIL, **LOGIN), DONE, using)
    assert (problem.why, problem.lasting) == ("the mail server refused the login (535)", True)
    box[0].full = {"ops@shop.example"}
    assert deliver(rule("email", **MAIL), DONE, clients(box[1])) == "the mail server refused ops@shop.example"
    box[0].full = {"ops@shop.example", "team@shop.example"}
    assert "refused every recipient" in refused(rule("email", **MAIL), DONE, clients(box[1])).why
    box[0].full, box[0].answer = set(), "451 try later"
    assert not refused(rule("email", **MAIL), DONE, clients(box[1])).lasting


def test_mail_is_not_sent_in_the_clear(box: tuple[Mailbox, str]) -> None:
    how = rule("email", **{**MAIL, "tls": "starttls"})
    assert "does not offer what tls: starttls" in refused(how, DONE, clients(box[1])).why
    assert (
        "only for a mail server on this machine"
        in refused(rule("email", **MAIL), DONE, clients("mail.shop.example")).why
    )
    assert "is no mail server" in refused(rule("email", **MAIL), DONE, clients("smtp://x y")).why
    assert box[0].envelopes == []


# --- all of them -------------------------------------------------------------------------------------------------


def test_a_notifier_that_breaks_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from multigit.notifiers import webhook

    def broken(settings: object, event: object, using: Clients) -> str:
        raise RuntimeError(f"no {using.environ['ADDRESS']}")

    monkeypatch.setattr(webhook, "notify", broken)
    problem = refused(rule("webhook"), DONE, clients("https://x/kanari-secret"))
    assert problem.lasting
    assert problem.why.startswith("notifier 'webhook' broke: RuntimeError")
    assert "there is no notifier" in refused(rule("webhok"), DONE, clients("x")).why
    assert "wrong" in refused(rule("webhook", wrong=1), DONE, clients("x")).why


def test_what_is_kept_is_kept_at_once() -> None:
    seen: list[dict[str, str]] = []
    using = Clients(environ={}, on_keep=lambda values: seen.append(dict(values)))
    using.keep(ts="1")
    using.keep(channel="C")
    assert seen == [{"ts": "1"}, {"ts": "1", "channel": "C"}]
    assert notifiers.settings_of(rule("webhook"))[1].secret is None


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_goes_over_tls_to_a_server_that_is_trusted_and_to_no_other(
    tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("openssl")
    made, box = Certificates(tmp_path), Mailbox()
    how = rule("email", **{**MAIL, "tls": tls})
    hidden = (
        {"ssl_context": made.server()} if tls == "tls" else {"tls_context": made.server(), "require_starttls": True}
    )
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **hidden)
    controller.start()
    try:
        address = f"127.0.0.1:{controller.port}"
        assert "certificate is not trusted" in refused(how, DONE, clients(address)).why
        monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
        assert deliver(how, DONE, clients(address)) == ""
    finally:
        controller.stop()
    assert len(box.envelopes) == 1


@pytest.mark.parametrize(
    ("api", "right"),
    [
        ("https://slack.com/api/", True),
        ("https://slack-gov.com/api/", True),
        ("http://127.0.0.1:8080/api/", True),
        ("http://slack.com/api/", False),
        ("https://slack.com.evil.example/api/", False),
        ("https://evil.example/slack.com/", False),
        ("https://slack.com@evil.example/", False),
        ("https://slack.com:8443/api/", False),
        ("file:///etc/passwd", False),
    ],
)
def test_a_key_is_sent_to_its_own_service_alone(api: str, right: bool) -> None:
    for kind in ("slack", "slack-dm"):
        how = replace(rule(kind), settings={**rule(kind).settings, "api": api})
        if right:
            assert notifiers.settings_of(how)[1].api == api
        else:
            assert "api must be one of https://slack.com" in refused(how, DONE, clients("xoxb-1")).why
    if not right:
        assert "api must be one of https://events.p" in refused(rule("pagerduty", api=api), DONE, clients("key")).why
