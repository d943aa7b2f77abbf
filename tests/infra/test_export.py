"""The CloudFormation template says the same as `infra apply`: a checker takes it, and what moto makes from it fits."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from multigit.examples import example
from tests.support.cloud import ONE_OF_EACH, Cloud


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("infra", ["gli", "one of each"])
def test_cfn_lint_takes_the_template(cloud: Cloud, tmp_path: Path, infra: str) -> None:
    from cfnlint.api import lint_all

    cloud.write(*(("", example("gli")) if infra == "gli" else (ONE_OF_EACH,)))
    text = cloud.run("infra", "export").ok().out
    # Of kind I is advice about documentation inside the template.
    assert [str(one) for one in lint_all(text) if one.rule.id[0] in "EW"] == []
    assert cloud.calls == []
    spoiled = text.replace('"RetentionInDays": 90', '"RetentionInDays": 91')
    assert [one.rule.id for one in lint_all(spoiled) if one.rule.id[0] == "E"]  # it does look


def test_nothing_in_it_is_ever_deleted(cloud: Cloud) -> None:
    resources = json.loads(cloud.run("infra", "export", "--json").ok().out)["Resources"].values()
    assert {(one["DeletionPolicy"], one["UpdateReplacePolicy"]) for one in resources} == {("Retain", "Retain")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_a_stack_made_from_it_is_what_is_wanted(cloud: Cloud) -> None:
    """As far as moto's CloudFormation goes: security groups that name each other, trust, days of logs."""
    text = cloud.run("infra", "export", "stg").ok().out
    cloud.aws("cloudformation").create_stack(StackName="shop", TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"])
    found = cloud.document("infra", "plan", "--adopt")["changes"]
    differs = {(one["kind"], differ["aspect"]) for one in found for differ in one["differs"]}
    assert not differs & {("security-group", "allow"), ("role", "trust"), ("role", "others"), ("log-group", "days")}
    assert Counter(one["action"] for one in found)["create"] == 1  # the alarm, which moto's stacks do not make
