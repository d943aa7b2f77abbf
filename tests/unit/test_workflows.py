"""What CI and the release run: pinned, locked, without standing secrets; checked by the tools that know the traps."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from multigit import __version__

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKS = ["dev", "release"]


def workflow(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    return loaded


def tool(name: str, *args: str) -> str:
    program = Path(sys.executable).parent / name
    done = subprocess.run([program, *args], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.slow
def test_zizmor_finds_nothing() -> None:
    assert tool("zizmor", "--offline", "--quiet", "--no-config", ".github") == ""


@pytest.mark.slow
def test_github_can_read_the_workflows() -> None:
    names = [str(file) for file in FILES]
    assert tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *names) == ""
    assert tool("check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml") == ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_a_full_commit_with_its_version_beside_it(file: Path) -> None:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert lines
    for line in lines:
        assert re.fullmatch(r"\s*(- )?uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_workflow_holds_a_secret_or_a_right_it_does_not_need(file: Path) -> None:
    assert "secrets." not in file.read_text(encoding="utf-8")
    read = workflow(file.name)
    given = [read.get("permissions"), *(job.get("permissions", {}) for job in read["jobs"].values())]
    rights = {(right, level) for some in given for right, level in some.items()}
    assert rights <= {("contents", "read"), ("id-token", "write")}
    assert file.name == "release.yml" or ("id-token", "write") not in rights


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_checkout_leaves_its_token_behind(file: Path) -> None:
    steps = [step for job in workflow(file.name)["jobs"].values() for step in job["steps"]]
    fetched = [step for step in steps if str(step.get("uses", "")).startswith("actions/checkout@")]
    assert all(step.get("with", {}).get("persist-credentials") is False for step in fetched)


def test_only_the_job_that_publishes_can_speak_for_us_and_it_runs_nothing_else() -> None:
    release = workflow("release.yml")
    assert release["permissions"] == {}
    jobs = release["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["publish"]
    assert jobs["publish"]["environment"] == "pypi"
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert not [step for step in jobs["publish"]["steps"] if "run" in step]
    assert "cache" not in json.dumps(jobs)


def test_a_tag_that_is_not_the_version_is_not_released() -> None:
    for tag, status in (
        (f"v{__version__}", 0),
        (__version__, 1),
        ("v999.0.0", 1),
        (f"v{__version__}.post1", 1),
        ("", 1),
    ):
        done = subprocess.run([ROOT / "scripts" / "dist", "--tag", tag], capture_output=True, check=False, timeout=20)
        assert done.returncode == status, tag
    steps = workflow("release.yml")["jobs"]["build"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert runs == ['scripts/dist --tag "$GITHUB_REF_NAME"', "scripts/dist"]


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    for entry in entries:
        assert re.fullmatch(r"[\w.-]+==\S+ +(; [^#]*?)?( *--hash=sha256:[0-9a-f]{64})+", entry), entry
    return {entry.partition("==")[0]: entry.partition("==")[2].split()[0] for entry in entries}


@pytest.mark.parametrize("extra", LOCKS)
def test_the_lock_names_each_package_with_its_hashes_and_fits_the_ranges(extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: [Requirement(one) for one in some] for name, some in project["optional-dependencies"].items()}
    wanted = [*map(Requirement, project["dependencies"]), *extras[extra]]
    wanted += [
        one for outer in extras[extra] if outer.name == project["name"] for name in outer.extras for one in extras[name]
    ]
    versions = locked(extra)
    for one in wanted:
        if one.name != project["name"]:
            assert one.specifier.contains(versions[canonicalize_name(one.name)]), f"{one}: run scripts/lock"


def audited() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audited", ROOT / "scripts" / "lib" / "audited.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FINE = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "version": "3", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([FINE], 0, "1 packages, no known vulnerability"),
        ([FINE, BAD], 1, "b 2 has X-1 (mended in 3)"),
        ([FINE, UNKNOWN], 2, "NOT AUDITED, 1 of 2 packages: not found"),
        ([BAD, UNKNOWN], 1, "NOT AUDITED"),
        ([], 2, "NOT AUDITED"),
    ],
)
def test_what_nobody_could_be_asked_about_is_not_called_safe(packages: list[Any], status: int, said: str) -> None:
    got, lines = audited().verdict("dev.txt", json.dumps({"dependencies": packages}))
    assert got == status
    assert said in "\n".join(lines)
    assert audited().verdict("dev.txt", "")[0] == 2
