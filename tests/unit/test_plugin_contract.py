"""Every file in checks/, notifiers/, tagschemes/ and targets/ keeps its family's contract; a new one needs no other."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import multigit.checks
import multigit.notifiers
import multigit.tagschemes
import multigit.targets
from multigit.model.config import STRICT

SLOW = ("pydantic", "git", "yaml", "rich", "questionary", "boto3", "urllib3", "pg8000", "subprocess", "semver", "click",
        "requests", "slack_sdk", "smtplib", "http.client")  # fmt: skip


def modules(package: ModuleType) -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return [f"{package.__name__}.{name}" for name in found if not name.startswith("_")]


CHECKS, SCHEMES = modules(multigit.checks), modules(multigit.tagschemes)
NOTIFIERS, TARGETS = modules(multigit.notifiers), modules(multigit.targets)


def parameters(function: object) -> list[tuple[str, str, bool]]:
    """Name, kind and whether it may be left out, of each parameter."""
    assert callable(function)
    told = inspect.signature(function).parameters.values()
    return [(p.name, p.kind.description, p.default is not p.empty) for p in told]


def test_the_folders_are_not_empty() -> None:
    assert {"checklist", "window", "soak", "backmerged", "paths", "hold", "command"} <= {
        name.rpartition(".")[2] for name in CHECKS
    }
    assert {"email", "pagerduty", "slack", "slack_dm", "webhook"} == {name.rpartition(".")[2] for name in NOTIFIERS}
    assert {"timestamp", "semver", "sha"} == {name.rpartition(".")[2] for name in SCHEMES}
    assert {"actions", "command", "ecs", "ecs_task", "s3_site"} == {name.rpartition(".")[2] for name in TARGETS}


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_evaluates_settings_and_a_subject(name: str) -> None:
    module = import_module(name)
    place = "positional or keyword"
    assert parameters(module.evaluate) == [
        ("settings", place, False),
        ("subject", place, False),
        ("clients", place, True),
    ]
    assert inspect.signature(module.evaluate).return_annotation == "Verdict"


@pytest.mark.parametrize("name", NOTIFIERS)
def test_a_notifier_takes_settings_an_event_and_clients_and_its_address_is_a_reference(name: str) -> None:
    module, place = import_module(name), "positional or keyword"
    assert parameters(module.notify) == [(word, place, False) for word in ("settings", "event", "clients")]
    assert inspect.signature(module.notify).return_annotation == "str"
    first = dataclasses.fields(module.Settings)[0]
    assert (first.name, first.type) == ("address", "Reference")


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_looks_begins_and_follows(name: str) -> None:
    module, place = import_module(name), "positional or keyword"
    for word, given, answer in (("current", "release", "Deployed"), ("deploy", "release", "Ticket"),
                                ("poll", "ticket", "Progress")):  # fmt: skip
        function = getattr(module, word)
        assert parameters(function) == [(one, place, False) for one in ("settings", given, "clients")]
        assert inspect.signature(function).return_annotation == answer
    fields = {field.name for field in dataclasses.fields(module.Settings)}
    assert set(module.TEMPLATES) <= fields


@pytest.mark.parametrize("name", [*CHECKS, *NOTIFIERS, *TARGETS])
def test_settings_are_frozen_strict_and_keyword_only(name: str) -> None:
    settings: Any = import_module(name).Settings
    assert settings.__dataclass_params__.frozen
    assert settings.__pydantic_config__ is STRICT
    assert all(field.kw_only for field in dataclasses.fields(settings))


@pytest.mark.parametrize("name", [*CHECKS, *NOTIFIERS, *TARGETS])
def test_a_plugin_and_each_of_its_settings_is_documented(name: str) -> None:
    module, word = import_module(name), name.rpartition(".")[2].replace("_", "-")
    line = {**dict.fromkeys(CHECKS, f"kind: {word}"), **dict.fromkeys(NOTIFIERS, f"notify: [{{{word}: "),
            **dict.fromkeys(TARGETS, f"{word}: {{")}[name]  # fmt: skip
    assert line in (module.__doc__ or ""), "the docstring shows a line of repos.yaml"
    source = ast.parse(inspect.getsource(module))
    body = next(n for n in source.body if isinstance(n, ast.ClassDef) and n.name == "Settings").body
    for field, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            assert told, f"{name}: {ast.unparse(field)} has no docstring"


@pytest.mark.parametrize("name", SCHEMES)
def test_a_tag_scheme_names_and_orders(name: str) -> None:
    module, place, keyword = import_module(name), "positional or keyword", "keyword-only"
    named = [(word, keyword, False) for word in ("now", "taken", "values")]
    assert parameters(module.next_tag) == [("template", place, False), *named]
    assert parameters(module.order) == [("template", place, False), ("tag", place, False)]
    assert module.__doc__


@pytest.mark.parametrize("name", [*CHECKS, *NOTIFIERS, *SCHEMES, *TARGETS])
def test_no_plugin_is_long(name: str) -> None:
    file = inspect.getsourcefile(import_module(name))
    assert file is not None
    assert len(Path(file).read_text("utf-8").splitlines()) <= 300


def test_importing_them_all_is_cheap_and_says_nothing() -> None:
    script = f"""
import json, sys, threading
for name in {[*CHECKS, *NOTIFIERS, *SCHEMES, *TARGETS]!r}:
    __import__(name)
print(json.dumps([sorted(set(sys.modules) & set({SLOW!r})), threading.active_count()]))
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == [[], 1]
    assert told.stderr == ""


@pytest.mark.parametrize("name", SCHEMES)
def test_a_tag_scheme_is_pure(name: str) -> None:
    source = ast.parse(inspect.getsource(import_module(name)))
    imported = {
        alias.name.partition(".")[0] for n in ast.walk(source) if isinstance(n, ast.Import) for alias in n.names
    } | {str(n.module).partition(".")[0] for n in ast.walk(source) if isinstance(n, ast.ImportFrom)}
    assert not imported & {"git", "click", "rich", "yaml", "os", "subprocess", "socket", "urllib", "time", "random"}
