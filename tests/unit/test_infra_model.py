"""What `infra` wants, without AWS: templates, policies with the least rights, differences, and wrong sections."""

from __future__ import annotations

from typing import Any

import pytest

from multigit.configfile import ConfigError, parse
from multigit.examples import example
from multigit.infra.look import kind_of
from multigit.model.config import Config
from multigit.model.infra.changes import Change, Seen, apply_code, compare, plan_code
from multigit.model.infra.policies import canonical
from multigit.model.infra.settings import infra_of
from multigit.model.infra.wanted import Wanted, wanted
from tests.support.cloud import HEAD, ONE_OF_EACH

NO_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "ecs:RegisterTaskDefinition",
    "cloudfront:ListDistributions",
}
"""The only calls in our policies for which IAM knows no resource."""


def of(config: Config) -> dict[str, Wanted]:
    infra = infra_of(config)
    assert infra
    return {one.name: one for one in wanted(config, infra)}


GLI = of(parse(example("gli").encode(), "gli.yaml"))


def statements(name: str) -> list[dict[str, Any]]:
    rights = GLI[name].aspects["rights"] or {"Statement": []}
    return [rights["Statement"]] if isinstance(rights["Statement"], dict) else rights["Statement"]


def flat(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


@pytest.mark.shows("G14")
@pytest.mark.parametrize("name", [name for name, one in GLI.items() if one.kind == "role"])
def test_a_role_may_do_nothing_to_what_is_not_named(name: str) -> None:
    for one in statements(name):
        if "*" in flat(one["Resource"]):
            assert set(flat(one["Action"])) <= NO_RESOURCE
        assert not [action for action in flat(one["Action"]) if "*" in action]
    for resource in (resource for one in statements(name) for resource in flat(one["Resource"])):
        other = "production" if name.endswith("staging") else "staging"
        assert other not in resource


def test_the_pipeline_passes_the_roles_of_its_environment_to_ecs_alone() -> None:
    (one,) = [one for one in statements("gli-deploy-staging") if one["Action"] == "iam:PassRole"]
    assert flat(one["Resource"]) == [
        "arn:aws:iam::123456789012:role/gli-task-execution-staging", "arn:aws:iam::123456789012:role/gli-task-staging",
    ]  # fmt: skip
    assert one["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_each_environment_that_deploys_has_its_own_and_shared_things_are_made_once() -> None:
    assert [one.env for one in GLI.values() if one.key == "/gli/api-server/{long}"] == ["stg", "prod"]
    assert [(one.env, one.production) for one in GLI.values() if one.key == "gli-api"] == [(None, True)]


def test_policies_are_compared_as_aws_gives_them_back() -> None:
    one = {"Statement": [{"Action": ["b", "a"], "Resource": ["x"]}]}
    other = {"Statement": {"Resource": "x", "Action": ["a", "b"]}}
    assert canonical(one) == canonical(other)
    assert canonical(one) != canonical({"Statement": {"Resource": "x", "Action": "a"}})


LOG = Wanted(kind="log-group", name="/x", key="/x", aspects={"days": 30})
OURS = {"Project": "shop", "ManagedBy": "multigit", "cost": "web"}


@pytest.mark.parametrize(
    ("seen", "adopt", "action"),
    [
        (Seen(there=False), False, "create"),
        (Seen(there=True, aspects={"days": 30}, tags=OURS), False, "keep"),
        (Seen(there=True, aspects={"days": 1}, tags=OURS), False, "mend"),
        (Seen(there=True, aspects={"days": 30}), False, "unmanaged"),
        (Seen(there=True, aspects={"days": 30}), True, "adopt"),
        (Seen(there=True, tags={**OURS, "Project": "other"}), True, "unmanaged"),
        (Seen(there=False, problem="not allowed"), True, "unread"),
    ],
)
def test_a_resource_has_one_answer(seen: Seen, adopt: bool, action: str) -> None:
    assert compare(LOG, seen, "shop", adopt=adopt).action == action


def change(action: Any, outcome: Any = "") -> Change:
    return Change(kind="bucket", name="b", action=action, outcome=outcome)


def test_exit_codes() -> None:
    assert plan_code([change("keep")], exit_code=True) == 0
    assert plan_code([change("create")], exit_code=False) == 0
    assert plan_code([change("create")], exit_code=True) == 10
    assert plan_code([change("create"), change("unmanaged")], exit_code=True) == 3
    assert plan_code([change("unmanaged"), change("unread")], exit_code=True) == 1
    assert apply_code([change("create", "done"), change("unnamed")]) == 0
    assert apply_code([change("create", "done"), change("unmanaged")]) == 3
    assert apply_code([change("create", "done"), change("mend", "failed")]) == 4
    assert apply_code([change("create", "failed"), change("unmanaged")]) == 1


ARNS = {
    "arn:aws:ecr:ap-northeast-2:123456789012:repository/team/shop": ("repository", "team/shop"),
    "arn:aws:logs:ap-northeast-2:123456789012:log-group:/shop/api:*": ("log-group", "/shop/api"),
    "arn:aws:s3:::shop-web": ("bucket", "shop-web"),
    "arn:aws:ecs:ap-northeast-2:123456789012:cluster/shop": ("cluster", "shop"),
    "arn:aws:sns:ap-northeast-2:123456789012:alarms": ("topic", "alarms"),
    "arn:aws:cloudwatch:ap-northeast-2:123456789012:alarm:api down": ("alarm", "api down"),
    "arn:aws:ecs:ap-northeast-2:123456789012:service/shop/api": None,
}


@pytest.mark.parametrize(("arn", "found"), ARNS.items())
def test_what_the_tagging_api_tells_of_is_recognised(arn: str, found: tuple[str, str] | None) -> None:
    assert kind_of(arn) == found


WRONG = {
    "account: \"123456789012\"|account: \"12\"": '"12" is no account',
    "account: \"123456789012\"|account: 123456789012": "",
    "ap-northeast-2|seoul": '"seoul" is no region',
    "envs: [stg]|envs: [stgg]": 'there is no environment "stgg"',
    "shop-web-{env}\": {web|Shop_web-{env}\": {web": "is no name for a bucket",
    "{days: 90|{days: 91": "must be 1, 3, 5",
    "/shop/api/{long}\": {|/shop/api/{lang}\": {": "{lang} is not known in environment stg",
    "envs: [stg]|envs: []": "",
    "from: 0.0.0.0/0|from: 0.0.0.1/0": "neither a security group named here nor addresses",
    "from: \"shop-lb-{env}\"|from: \"shop-bl-{env}\"": 'did you mean "shop-lb-{env}"?',
    "port: 8000|port: 80000": "80000 is no port",
    "above: 10, |": "either above or below",
    "topic: \"shop-alarms-{env}\"|topic: alarms": 'there is no topic "alarms" here',
    "kind: task, buckets|kind: deploy, buckets": "buckets is for roles of kind task",
    "github: [shop/api]|github: [shop]": '"shop" is not owner/name',
    "{\"shop-{env}\": {}}|{\"shop-{env}\": {keep: 0}}": "at least one image stays",
    "{\"shop-{env}\": {}}|{\"shop-{env}\": {kep: 5}}": 'did you mean "keep"?',
    "/shop/api/{long}\": {days|/shop/api\": {days": "",
    "\"shop-errors-{env}\": {|\"shop-errors\": {": "has one name for all of them",
}  # fmt: skip


@pytest.mark.parametrize(("change", "told"), WRONG.items())
def test_a_wrong_section_is_told_with_its_place(change: str, told: str) -> None:
    old, new = change.split("|")
    both = "has one name" in told
    text = ONE_OF_EACH.replace("envs: [stg]", "envs: [stg, prod]") if both else ONE_OF_EACH
    assert old in text
    text = HEAD + text.replace(old, new)
    if not told:  # fine as it is
        parse(text.encode(), "repos.yaml")
        return
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "repos.yaml")
    problem = caught.value.problems[0]
    assert told in problem.text
    assert problem.line > HEAD.count("\n")
    assert problem.column > 1
