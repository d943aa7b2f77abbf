"""`notify` in repos.yaml: what is wrong is said with its place, and a secret is neither accepted nor repeated."""

from __future__ import annotations

import jsonschema
import pytest

from multigit.configfile import ConfigError, json_schema
from multigit.configfile.reference import MINIMAL
from multigit.configfile.source import read as read_yaml
from tests.unit.test_configfile import read, said

REFERENCE = "keep it in the environment and write ${env:NAME}"
NEVER = "addresses and secrets of notifiers are written as a reference, never themselves"


KNOWN = "known: email, pagerduty, slack, slack-dm, webhook"
NOBODY = "'@kim' is nobody: write a Slack user id (U…) or the mail address of one"
WRONG = [  # an entry, with ^ before the place that is shown, and the answer
    ('{^slak: "${env:X}"}', 'there is no notifier "slak" | did you mean "slack"?'),
    ('{^when: [failed], slack: "${env:X}"}', f"an entry begins with its notifier, for example slack | {KNOWN}"),
    ("^{}", f"an entry begins with its notifier, for example slack | {KNOWN}"),
    ('{slack: ^"https://example.com/x"}', f"{NEVER} | {REFERENCE}"),
    ("{pagerduty: ^12345}", f"{NEVER} | {REFERENCE}"),
    ("{pagerduty:^ }", f"{NEVER} | {REFERENCE}"),
    ('{slack: ^"xoxb-1234567890-abc"}', f"this looks like a secret | {REFERENCE}"),
    ('{slack: ^"x ${env:X}"}', "a reference must be the whole value | write nothing but ${env:NAME}"),
    ('{webhook: "${env:X}", secret: ^kanari}', f"{NEVER} | {REFERENCE}"),
    ('{slack: "${env:X}", channel: ^"${env:Y}"}', "a reference to a secret has no meaning here"),
    ('{slack: "${env:X}", ^wen: [failed]}', 'unknown key "wen" for slack | did you mean "when"?'),
    ('{slack: "${env:X}", ^chanel: a}', 'unknown key "chanel" for slack | did you mean "channel"?'),
    ('{slack: "${env:X}", envs: [^prd]}', 'there is no environment "prd" | did you mean "prod"?'),
    ('{slack: "${env:X}", owners: {^apii: [U0123ABCD]}}', 'there is no repository "apii" | did you mean "api"?'),
    ('^{slack: "${env:X}", owners: {api: ["@kim"]}}', NOBODY),
    ('{slack: "${env:X}", severity: ^bad}', 'notify[1].severity must be "info", "warning" or "critical"'),
    ('^{email: "${env:X}", to: [a@b.c]}', '"from" is missing in notify[1]'),
    ('^{email: "${env:X}", from: a@b.c, to: [a]}', "'a' is no mail address: write name@host"),
    ('^{email: "${env:X}", from: a@b.c, to: [a@b.c], user: "${env:U}"}', "user and password belong together"),
    ('{^os.path: "${env:X}"}', '"os.path" is no notifier: it needs Settings with an address, and notify'),
    ('{slack: "${env:X}", name: a}, {webhook: "${env:Y}", name: ^a}', '"a" is the name of another notifier'),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "answer"), WRONG, ids=[entry for entry, _ in WRONG])
def test_what_is_wrong_is_said_with_its_place(entry: str, answer: str) -> None:
    before, _, after = entry.partition("^")
    (found,) = said(more=f"notify: [{before}{after}]\n")
    assert found == f"10:{len(f'notify: [{before}') + 1}: {answer}"


def test_a_word_of_when_that_does_not_exist() -> None:
    (found,) = said(more='notify: [{slack: "${env:X}", when: [finishd]}]\n')
    assert found.endswith('| did you mean "finished"?')


@pytest.mark.fault("canary-notice")
@pytest.mark.parametrize("entry", ["{pagerduty: kanari1}", '{webhook: "${env:X}", secret: kanari1}'])
def test_what_may_be_a_secret_is_not_repeated(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(more=f"notify: [{entry}]\n")
    assert "kanari" not in f"{caught.value.what}{caught.value.why}"


def test_every_word_of_the_presets_is_accepted_and_names_are_numbered() -> None:
    words = "init, build, deploy, started, failed, finished, rolled-back, aborted, back-merged, hotfix, held"
    entries = (
        f'{{slack: "${{env:A}}", when: [{words}]}}, {{slack: "${{env:B}}"}}, {{slack: "${{env:C}}", name: slack-2}}'
    )
    rules = read(more=f"notify: [{entries}, {{slack: '${{env:D}}'}}]\n").notify
    assert len(rules[0].when) == 11
    assert [rule.name for rule in rules[::3]] == ["slack", "slack-4"]


def test_the_schema_for_editors_knows_each_notifier() -> None:
    schema = jsonschema.Draft202012Validator(json_schema())
    good = read_yaml(MINIMAL.encode(), "repos.yaml").data
    for entry, right in (
        ({"slack": "${env:X}", "when": ["failed"], "channel": "#a"}, True),
        ({"slack-dm": "${env:X}", "to": "author"}, True),
        ({"team.bell": "${env:X}", "loud": True}, True),
        ({"slack": "https://x"}, False),
        ({"slack": "${env:X}", "chanel": "#a"}, False),
        ({"email": "${env:X}", "to": ["a@b.c"]}, False),
        ({"when": ["failed"]}, False),
    ):
        assert schema.is_valid({**good, "notify": [entry]}) is right, entry
