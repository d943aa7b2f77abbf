"""Docs cannot lie: pages that are made from code and tests are compared with what would be made now."""

from __future__ import annotations

import re

from multigit import errors
from multigit.cli.group import VERBS
from multigit.configfile import parse
from multigit.model.names import EnvName
from multigit.model.serving import checks_of
from tests.support import faults, shown


def test_the_coverage_page_is_up_to_date() -> None:
    assert shown.PAGE.read_text(encoding="utf-8") == shown.page(), "run: python -m tests.support.shown"


def test_no_test_shows_a_promise_that_does_not_exist() -> None:
    assert set(shown.shown()) <= set(shown.goals())


def test_the_page_of_faults_is_up_to_date() -> None:
    assert faults.PAGE.read_text(encoding="utf-8") == faults.page(), "run: python -m tests.support.faults"


def test_every_fault_has_a_test_or_a_reason_and_every_marker_a_fault() -> None:
    assert not faults.mistakes()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (shown.ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_the_readme_s_configuration_loads() -> None:
    (text,) = blocks("README.md", "yaml")
    config = parse(text.encode(), "README.md")
    assert [repo.name for repo in config.fleet] == ["shop_root", "shop_api", "shop_web"]


def test_the_checks_on_the_page_of_health_load() -> None:
    (text,) = blocks("docs/health.md", "yaml")
    head = "version: 1\nsystem: {name: shop}\nremotes: {origin: 'git@github.com:team/{repo}.git'}\n"
    envs = "environments: {stg: {branch: stg, vars: {pre: stg-}}, prod: {branch: main, vars: {pre: ''}}}\n"
    config = parse((head + envs + text).encode(), "health.md")
    assert {check.kind for check in checks_of(config, config.environments[EnvName("stg")])} >= {
        "ecs-stable",
        "database",
    }


def test_the_readme_s_commands_exist() -> None:
    lines = [line for block in blocks("README.md", "console") for line in block.splitlines()]
    verbs = [line.split()[2] for line in lines if line.startswith("$ multigit ")]
    assert verbs
    assert set(verbs) <= set(VERBS)
    scripts = [line.split()[1] for line in lines if line.startswith("$ scripts/")]
    assert scripts == ["scripts/demo", "scripts/test"]
    assert all((shown.ROOT / script).stat().st_mode & 0o111 for script in scripts)


def test_every_link_leads_somewhere() -> None:
    for page in [shown.ROOT / "README.md", *(shown.ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_link_of_the_reference_leads_to_a_heading_of_it() -> None:
    text = (shown.ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def test_the_exit_codes_of_the_docs_are_those_of_the_code() -> None:
    text = (shown.ROOT / "docs" / "consent.md").read_text(encoding="utf-8")
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    codes = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}
    assert told == codes


def test_the_threat_model_names_tests_that_exist() -> None:
    text = (shown.ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/.]+)::(\w+)`", text)
    assert len(named) == text.count("`tests/")
    for file, test in named:
        assert re.search(rf"^def {test}\(", (shown.ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test
    promises = re.findall(r"^- \*\*Promised\*\*.*?(?=^- |^\n|^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert promises
    assert not [promise for promise in promises if "`tests/" not in promise]
