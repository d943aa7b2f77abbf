"""Nothing is written in AWS before somebody agreed to exactly that (X3, G14)."""

from __future__ import annotations

import pytest

from tests.support.cloud import ONE_OF_EACH, Cloud

PRODUCTION = ONE_OF_EACH.replace("envs: [stg]", "envs: [stg, prod]")


@pytest.mark.shows("X3", "G14")
def test_without_a_terminal_it_takes_yes_or_the_phrase_of_what_was_shown(cloud: Cloud) -> None:
    assert "this needs a yes" in cloud.run("infra", "apply").exits(3).text
    assert cloud.writes == []
    cloud.write(PRODUCTION)
    for words in ((), ("--yes",)):
        refused = cloud.run("infra", "apply", *words).exits(3)
        assert "production is changed only with consent to what was shown" in refused.text
        assert "multigit --no-input --jobs 1 infra apply --confirm 'shop main " in refused.text
    cloud.run("infra", "apply", "--confirm", "shop main").exits(3)
    assert cloud.writes == []
    phrase = cloud.document("infra", "plan")["phrase"]
    assert phrase in cloud.run("infra", "plan").text
    cloud.run("infra", "apply", "--confirm", phrase).ok()
    assert cloud.writes


@pytest.mark.shows("X3")
def test_consent_to_what_was_shown_before_does_not_cover_what_came_since(cloud: Cloud) -> None:
    cloud.write(PRODUCTION)
    phrase = cloud.document("infra", "plan")["phrase"]
    cloud.aws("sns").create_topic(Name="shop-alarms-prod")
    refused = cloud.run("infra", "apply", "--adopt", "--confirm", phrase).exits(3)
    assert "error[MG-316]" in refused.err
    assert cloud.writes == []


def test_what_environments_share_counts_as_production(cloud: Cloud) -> None:
    shared = PRODUCTION.partition("  ecr:")[0] + "  ecr: {shop: {}}\n"
    cloud.write(shared)
    assert cloud.document("infra", "plan")["production"]
    cloud.run("infra", "apply", "--yes").exits(3)
    cloud.write(shared.replace("[stg, prod]", "[stg]"))
    cloud.run("infra", "apply", "--yes").ok()


def test_with_nothing_to_do_nothing_is_asked(cloud: Cloud) -> None:
    cloud.run("infra", "apply", "--yes").ok()
    cloud.run("infra", "apply").ok()
