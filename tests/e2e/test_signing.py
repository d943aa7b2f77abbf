"""Signed releases and approvals, with real keys: git itself confirms the signatures (docs/signing.md)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.support.fleetkit import ENVIRONMENTS, FleetKit, Ran
from tests.support.killer import records, struck
from tests.support.people import Person, signing

pytestmark = pytest.mark.slow


@pytest.fixture
def people(tmp_path: Path) -> dict[str, Person]:
    return {name: Person.make(tmp_path / "keys", name) for name in ("kim", "lee", "ahn")}


@pytest.fixture
def kit(tmp_path: Path, people: dict[str, Person]) -> FleetKit:
    """kim and lee may release; somebody has work on stg."""
    environments, extra = signing([people["kim"], people["lee"]])
    made = FleetKit.make(tmp_path / "fleet", environments=environments, extra=extra)
    made.commit("api", "stg", {"feature.txt": "good\n"}, "feat: good")
    return made


def plan(kit: FleetKit, *more: str) -> Ran:
    return kit.call("plan", "stg", "main", "--out", str(kit.root / "plan.json"), *more)


def apply(kit: FleetKit, *more: str) -> Ran:
    return kit.call("promote", "stg", "main", "--plan", str(kit.root / "plan.json"), "--confirm", "shop main", *more)


def allowed(kit: FleetKit, *people: Person) -> str:
    file = kit.root / "allowed"
    file.write_text("".join(f"{person.address} {person.key}\n" for person in people))
    return str(file)


def gits_word(kit: FleetKit, repo: str, command: str, name: str, *people: Person) -> subprocess.CompletedProcess[str]:
    """What `git verify-tag` or `verify-commit` says."""
    config = ["-c", f"gpg.ssh.allowedSignersFile={allowed(kit, *people)}"]
    words = ["git", "--git-dir", str(kit.hosts[repo].path), *config, command, name]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)


def test_a_release_is_signed_in_tags_and_ledger_and_git_agrees(kit: FleetKit, people: dict[str, Person]) -> None:
    people["kim"].use()
    kit.promote("stg", "main").ok()
    tag = kit.tags("deploy-")[0]
    for repo in kit.names:
        told = gits_word(kit, repo, "verify-tag", tag, people["kim"])
        assert "Good" in told.stderr and "kim@example.invalid" in told.stderr
        assert gits_word(kit, repo, "verify-tag", tag, people["lee"]).returncode
    for record in kit.hosts["root"].git("rev-list", "multigit-ledger").split():
        assert gits_word(kit, "root", "verify-commit", record, people["kim"]).returncode == 0
    kit.fsck()
    assert "NOTHING TO DO" in kit.promote("stg", "main").ok().text


def test_whoever_may_not_release_or_has_no_key_is_told_in_the_plan(kit: FleetKit, people: dict[str, Person]) -> None:
    before = kit.refs(ledger=True, inner=True)
    people["ahn"].use()
    told = plan(kit).exits(3)
    assert "signed: your key may not release prod: kim@example.invalid, lee@example.invalid may" in told.text
    people["kim"].use(key="")
    assert "user.signingKey is not set" in plan(kit).exits(3).text
    people["kim"].use(key="/nowhere/key")
    assert "the signing key /nowhere/key cannot be read" in plan(kit).exits(3).text
    told = kit.call("plan", "stg", "main", "--override", "signed=I know better").exits(2)
    assert "the gate 'signed' cannot be overridden" in told.text
    assert kit.refs(ledger=True, inner=True) == before


def test_a_key_that_does_not_answer_is_found_before_anything_is_pushed(
    kit: FleetKit, people: dict[str, Person]
) -> None:
    key = people["kim"].folder / "kim"
    command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "locked away", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    people["kim"].use()
    told = plan(kit).exits(3)
    assert "nothing was signed" in told.text
    assert "ssh-add" in told.text


def test_another_machine_without_the_key_gives_up_a_signed_run_or_lands_it(
    kit: FleetKit, people: dict[str, Person]
) -> None:
    people["kim"].use()
    plan(kit).ok()
    before = kit.refs()
    words = ("promote", "stg", "main", "--plan", str(kit.root / "plan.json"), "--confirm", "shop main")
    assert struck(kit, "intent:land:api", "before", "kill", *words).code == -9
    half = kit.refs(inner=True)
    for key in ("", str(people["ahn"].folder / "ahn")):
        people["ahn"].use(key=key)
        refused = kit.call("resume", "--yes").exits(3)
        assert "git has no key to sign with" in refused.text or "may not release prod" in refused.text
        assert kit.refs(inner=True) == half
    people["lee"].use()
    kit.call("resume", "--yes").ok()
    tag = kit.tags("deploy-")[0]
    assert all(not gits_word(kit, repo, "verify-tag", tag, people["kim"]).returncode for repo in kit.names)
    kit.commit("api", "stg", {"feature.txt": "better\n"}, "feat: better")
    people["kim"].use()
    plan(kit).ok()
    before = kit.refs()
    assert struck(kit, "intent:land:api", "before", "kill", *words).code == -9
    people["ahn"].use(key="")
    kit.call("abort", "--yes").ok()
    assert kit.refs() == before


def test_anybody_may_stop_an_environment_but_only_a_signer_lifts_it(kit: FleetKit, people: dict[str, Person]) -> None:
    people["ahn"].use(key="")
    kit.call("hold", "set", "prod", "-m", "look first").ok()
    for key, why in (
        ("", "no key to sign with"),
        (str(people["ahn"].folder / "ahn"), "your key may not sign for prod"),
    ):
        people["ahn"].use(key=key)
        refused = kit.call("hold", "release", "prod", "-m", "done")
        assert refused.code == 1
        assert why in refused.text
    assert [record["kind"] for record in records(kit)] == ["hold"]
    people["lee"].use()
    kit.call("hold", "release", "prod", "-m", "done").ok()
    assert gits_word(kit, "root", "verify-commit", "multigit-ledger", people["lee"]).returncode == 0


def unguarded(kit: FleetKit) -> str:
    """Somebody's own repos.yaml, without signers and approvals; answers the real one."""
    real = (kit.work / "repos.yaml").read_text()
    (kit.work / "repos.yaml").write_text(
        real[: real.index("signing:")].replace(real[real.index(", signers:") : real.index("}\nhotfix")], "")
    )
    return real


def test_a_run_that_somebody_began_past_the_signers_cannot_be_gone_on_with(
    kit: FleetKit, people: dict[str, Person]
) -> None:
    before = kit.refs()
    people["ahn"].use()
    real = unguarded(kit)
    plan(kit).ok()
    words = ("promote", "stg", "main", "--plan", str(kit.root / "plan.json"), "--confirm", "shop main")
    assert struck(kit, "intent:land:api", "before", "kill", *words).code == -9
    (kit.work / "repos.yaml").write_text(real)
    people["kim"].use()
    refused = kit.call("resume", "--yes").exits(3)
    assert "its beginning is not signed for prod" in refused.text
    assert "multigit abort" in refused.text
    kit.call("abort", "--yes").ok()
    assert kit.refs() == before


def test_a_hold_that_was_lifted_past_the_signers_still_holds(kit: FleetKit, people: dict[str, Person]) -> None:
    people["kim"].use()
    kit.promote("stg", "main").ok()
    kit.commit("api", "stg", {"feature.txt": "more\n"}, "feat: more")
    kit.call("hold", "set", "prod", "-m", "stop").ok()
    people["ahn"].use()
    real = unguarded(kit)
    kit.call("hold", "release", "prod", "-m", "go").ok()
    (kit.work / "repos.yaml").write_text(real)
    people["kim"].use()
    assert "prod is on hold" in plan(kit).exits(3).text
    assert "(lift) is not signed for prod" in kit.call("verify").exits(1).text
    kit.call("hold", "release", "prod", "-m", "go").ok()
    plan(kit).ok()


def test_words_in_a_message_are_no_part_of_the_release_record(kit: FleetKit, people: dict[str, Person]) -> None:
    people["kim"].use()
    kit.promote("stg", "main", "-m", "x\nMultigit-Environment: stg\n\nMultigit-Repo: api 0").ok()
    first = kit.tags("deploy-")[0]
    kit.commit("api", "stg", {"feature.txt": "bad\n"}, "feat: bad")
    kit.promote("stg", "main").ok()
    back(kit, first).ok()


def test_without_the_program_that_signs_it_is_said_and_anybody_may_still_stop(
    kit: FleetKit, people: dict[str, Person]
) -> None:
    people["kim"].use()
    with (Path(os.environ["HOME"]) / ".gitconfig").open("a") as file:
        file.write('[gpg "ssh"]\n\tprogram = /nowhere/ssh-keygen\n')
    assert "there is no program '/nowhere/ssh-keygen' here" in plan(kit).exits(3).text
    kit.call("hold", "set", "prod", "-m", "stop").ok()


# --- going back --------------------------------------------------------------------------------------------------


@pytest.fixture
def released(kit: FleetKit, people: dict[str, Person]) -> tuple[str, str]:
    """Two signed releases."""
    people["kim"].use()
    kit.promote("stg", "main").ok()
    kit.commit("api", "stg", {"feature.txt": "bad\n"}, "feat: bad")
    kit.promote("stg", "main").ok()
    first, second = kit.tags("deploy-")
    return first, second


def back(kit: FleetKit, tag: str) -> Ran:
    return kit.call("rollback", tag, "--confirm", "shop main")


def test_a_signed_release_may_be_gone_back_to(kit: FleetKit, released: tuple[str, str]) -> None:
    back(kit, released[0]).ok()
    assert kit.file("api", "main", "feature.txt") == "good"


def replayed(kit: FleetKit, tags: tuple[str, str]) -> str:
    """The first release's signed tag under the second one's name."""
    kit.hosts["api"].git("update-ref", f"refs/tags/{tags[1]}", f"refs/tags/{tags[0]}")
    return f"{tags[1]} is not to be trusted: the tag object says {tags[0]}: it was put there under another name"


def remade(kit: FleetKit, tags: tuple[str, str]) -> str:
    """The release's own words on another commit, with the old signature."""
    host = kit.hosts["api"]
    text = host.git("cat-file", "tag", tags[0])
    text = text.replace(host.git("rev-parse", f"{tags[0]}^{{commit}}"), kit.head("api", "dev"))
    file = kit.root / "tag"
    file.write_text(text + "\n")
    host.git("update-ref", f"refs/tags/{tags[0]}", host.git("hash-object", "-t", "tag", "-w", str(file)))
    return "it was changed after it was signed"


def unsigned(kit: FleetKit, tags: tuple[str, str]) -> str:
    host = kit.hosts["api"]
    text = host.git("cat-file", "tag", tags[0]).partition("-----BEGIN")[0]
    file = kit.root / "tag"
    file.write_text(text)
    host.git("update-ref", f"refs/tags/{tags[0]}", host.git("hash-object", "-t", "tag", "-w", str(file)))
    return "it is not signed"


def strange(kit: FleetKit, tags: tuple[str, str]) -> str:
    for host in kit.hosts.values():
        host.git("update-ref", "refs/tags/deploy-20200101-000000", f"refs/tags/{tags[0]}")
    return "the ledger knows no release of that tag"


@pytest.mark.parametrize("forge", [replayed, remade, unsigned, strange])
def test_a_tag_that_is_not_what_was_signed_is_refused(
    kit: FleetKit, released: tuple[str, str], forge: Callable[[FleetKit, tuple[str, str]], str]
) -> None:
    why = forge(kit, released)
    tag = released[1] if forge is replayed else "deploy-20200101-000000" if forge is strange else released[0]
    before = kit.refs()
    told = back(kit, tag)
    assert why in told.exits(3).text
    assert "multigit verify" in told.text
    assert kit.refs() == before


def test_a_tag_of_another_repository_is_refused(kit: FleetKit, released: tuple[str, str]) -> None:
    web, api = kit.hosts["web"], kit.hosts["api"]
    web.git("fetch", "--quiet", str(api.path), f"+refs/tags/{released[0]}:refs/tags/{released[0]}")
    assert "was signed for another repository" in back(kit, released[0]).exits(3).text


def test_somebody_who_is_no_signer_any_more_does_not_count(
    kit: FleetKit, people: dict[str, Person], released: tuple[str, str]
) -> None:
    environments, extra = signing([people["lee"], people["ahn"]])
    config = kit.config.replace(
        kit.config[kit.config.index("environments:") : kit.config.index("repos:")], environments
    )
    config = config[: config.index("signing:")] + extra
    (kit.work / "repos.yaml").write_text(config)
    people["lee"].use()
    assert "signed with a key that is not listed" in back(kit, released[0]).exits(3).text


def test_a_release_from_before_signatures_is_vouched_for_by_the_ledger(
    tmp_path: Path, people: dict[str, Person]
) -> None:
    environments, extra = signing([people["kim"]])
    kit = FleetKit.make(tmp_path / "fleet", environments=ENVIRONMENTS)
    kit.commit("api", "stg", {"feature.txt": "good\n"}, "feat: good")
    kit.promote("stg", "main").ok()
    config = kit.config.replace(ENVIRONMENTS, environments) + extra
    (kit.work / "repos.yaml").write_text(config)
    people["kim"].use()
    kit.commit("api", "stg", {"feature.txt": "bad\n"}, "feat: bad")
    kit.promote("stg", "main").ok()
    first = kit.tags("deploy-")[0]
    kit.hosts["web"].git("tag", "-f", "-a", "-m", "moved", first, "main")
    assert "it is not the tag that was released there" in back(kit, first).exits(3).text
    kit.hosts["web"].git("tag", "-d", first)
    kit.call("rollback", first, "-x", "web", "--confirm", "shop main").ok()


@pytest.fixture
def mixed(kit: FleetKit, people: dict[str, Person], released: tuple[str, str]) -> FleetKit:
    """The same fleet, with one more record: a release that was begun and landed without a key, by hand."""
    home = kit.hosts["root"]
    for record in home.git("rev-list", "--reverse", "multigit-ledger").split()[-3:]:
        text = home.git("cat-file", "commit", record)
        head, _, message = text.partition("\n\n")
        bare_head = head.partition("\ngpgsig ")[0]
        parent = home.git("rev-parse", "multigit-ledger")
        lines = [line if not line.startswith("parent ") else f"parent {parent}" for line in bare_head.splitlines()]
        file = kit.root / "record"
        file.write_text("\n".join(lines) + "\n\n" + message + "\n")
        made = home.git("hash-object", "-t", "commit", "-w", str(file))
        home.git("update-ref", "refs/heads/multigit-ledger", made)
    return kit


def test_verify_names_what_is_not_signed(mixed: FleetKit, released: tuple[str, str]) -> None:
    told = mixed.call("verify", "prod")
    assert told.code != 0
    for kind in ("begin", "landed", "released"):
        assert f"({kind}) is not signed for prod why it is not signed" in told.text
    assert "not signed" not in mixed.call("verify", "stg").text


def test_verify_agrees_with_what_was_signed_and_names_a_replay(
    kit: FleetKit, people: dict[str, Person], released: tuple[str, str]
) -> None:
    kit.call("verify").ok()
    replayed(kit, released)
    assert released[0] in kit.call("verify").exits(1).text
    environments, extra = signing([people["lee"]])
    start = kit.config.index("environments:")
    config = kit.config[:start] + environments + kit.config[kit.config.index("repos:") : kit.config.index("signing:")]
    (kit.work / "repos.yaml").write_text(config + extra)
    told = kit.call("verify").exits(1)
    assert f"{released[1]} is not signed for prod why it is signed with a key that is not listed" in told.text


# --- approvals ---------------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path, people: dict[str, Person]) -> FleetKit:
    """kim and lee may release, ahn may approve as well, and one of the others must."""
    return approving(tmp_path / "fleet", people)


def approving(folder: Path, people: dict[str, Person], *, wide: Sequence[str] = ()) -> FleetKit:
    environments, extra = signing([people["kim"], people["lee"]], approvals=1)
    made = FleetKit.make(folder, ("root", "api"), environments=environments, extra=extra, wide=wide)
    made.commit("api", "stg", {"feature.txt": "good\n"}, "feat: good")
    people["kim"].use()
    return made


def test_a_plan_is_applied_once_somebody_else_has_approved_it(two: FleetKit, people: dict[str, Person]) -> None:
    told = plan(two).ok()
    assert "approved: 0 of 1 approvals" in told.text
    blocked = apply(two).exits(3)
    assert "approved" in blocked.text and "multigit approve plan.json" in blocked.text
    file = str(two.root / "plan.json")
    assert "nobody approves their own plan" in two.call("approve", file, "--yes").exits(3).text
    people["ahn"].use()
    assert "may not approve prod" in two.call("approve", file, "--yes").exits(3).text
    people["lee"].use()
    assert f"approve {file} --yes" in two.call("approve", file).exits(3).text
    two.call("approve", file, "--dry-run").ok()
    assert two.call("approve", file, "--yes", "--json").ok().json()["approved_by"] == ["lee@example.invalid"]
    assert "already: nothing to do" in two.call("approve", file, "--yes").ok().text
    assert "0 of 1 approvals" in apply(two).exits(3).text, "who approved it does not apply it, too"
    people["kim"].use()
    apply(two).ok()
    begin = next(record for record in records(two) if record["kind"] == "begin")
    assert [given["by"] for given in begin["data"]["approvals"]] == ["lee@example.invalid"]
    assert "approved by lee@example.invalid" in two.call("show", "last").ok().text
    assert not [ref for refs in two.refs(inner=True).values() for ref in refs if "approvals" in ref]
    two.call("approve", file, "--yes").exits(3)


@pytest.mark.fault("sha-256")
def test_a_home_repository_of_the_other_hash_keeps_approvals(tmp_path: Path, people: dict[str, Person]) -> None:
    made = approving(tmp_path / "fleet", people, wide=["root"])
    plan(made).ok()
    people["lee"].use()
    made.call("approve", str(made.root / "plan.json"), "--yes").ok()
    people["kim"].use()
    apply(made).ok()
    assert "approved by lee@example.invalid" in made.call("show", "last").ok().text


def test_an_approval_holds_for_its_plan_alone(two: FleetKit, people: dict[str, Person]) -> None:
    plan(two).ok()
    file = two.root / "plan.json"
    people["lee"].use()
    two.call("approve", str(file), "--yes").ok()
    old = two.hosts["root"].git("for-each-ref", "--format=%(refname)", "refs/multigit/approvals/")
    two.commit("api", "stg", {"more.txt": "bad\n"}, "feat: more")
    assert "moved" in two.call("approve", str(file), "--yes").exits(3).text
    people["kim"].use()
    plan(two).ok()
    apply(two).exits(3)
    # Somebody who can write to the host copies the approval to the new plan's place.
    new = f"refs/multigit/approvals/r-{json.loads(file.read_text())['digest'][:12]}/{old.rpartition('/')[2]}"
    two.hosts["root"].git("update-ref", new, old)
    assert "0 of 1 approvals" in apply(two).exits(3).text


def test_an_approval_that_another_key_signed_does_not_count(two: FleetKit, people: dict[str, Person]) -> None:
    plan(two).ok()
    file = two.root / "plan.json"
    _, extra = signing([people["kim"], people["ahn"]], approvals=1)
    forged = extra.replace("ahn@", "lee@")
    mine, saved = (two.work / "repos.yaml").read_text(), file.read_text()
    (two.work / "repos.yaml").write_text(mine[: mine.index("signing:")] + forged)
    people["ahn"].use()
    assert "another repos.yaml" in two.call("approve", str(file), "--yes").exits(3).text
    plan(two)
    approved = two.call("approve", str(file), "--yes")
    assert approved.code in (0, 3)
    file.write_text(saved)
    (two.work / "repos.yaml").write_text(mine)
    people["kim"].use()
    assert "0 of 1 approvals" in apply(two).exits(3).text


def test_signed_work_is_no_approval_whatever_its_message_says(two: FleetKit, people: dict[str, Person]) -> None:
    plan(two).ok()
    digest = json.loads((two.root / "plan.json").read_text())["digest"]
    run, home = f"r-{digest[:12]}", two.hosts["root"]
    said = {"schema": "multigit.approval/1", "plan": digest, "run": run, "system": "shop", "env": "prod",
            "at": "2999-01-01T00:00:00Z"}  # fmt: skip
    said["at"] = json.loads((two.root / "plan.json").read_text())["created"]
    people["lee"].use()
    message = f"multigit approval of {run}\n\n{json.dumps(said)}"
    words = ["git", "--git-dir", str(home.path), "commit-tree", "-S", "-p", "stg", "-m", message, "stg^{tree}"]
    made = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    home.git("update-ref", f"refs/multigit/approvals/{run}/abc", made)
    people["kim"].use()
    assert "0 of 1 approvals" in apply(two).exits(3).text


def test_a_release_that_nobody_approved_is_named_by_verify(two: FleetKit, people: dict[str, Person]) -> None:
    plan(two).ok()
    people["lee"].use()
    two.call("approve", str(two.root / "plan.json"), "--yes").ok()
    people["kim"].use()
    apply(two).ok()
    two.commit("api", "stg", {"feature.txt": "alone\n"}, "feat: alone")
    real = (two.work / "repos.yaml").read_text()
    (two.work / "repos.yaml").write_text(real.replace(", approvals: 1", ""))
    two.promote("stg", "main").ok()
    two.call("verify").ok()
    (two.work / "repos.yaml").write_text(real)
    assert "was not approved why 0 of 1 approvals" in two.call("verify").exits(1).text


# --- OpenPGP -----------------------------------------------------------------------------------------------------


def test_openpgp_keys_sign_as_well(tmp_path: Path, people: dict[str, Person], monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(os.environ["XDG_RUNTIME_DIR"]) / "gnupg"  # short: the agent's socket is in it
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    command = ["gpg", "--batch", "--passphrase", "", "--quick-gen-key", "Kim <kim@example.invalid>", "ed25519", "sign"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        listed = subprocess.run(["gpg", "--with-colons", "-K"], check=True, capture_output=True, text=True).stdout
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
        environments, extra = signing([people["kim"]])
        extra = extra.replace(people["kim"].key, f"openpgp:{fingerprint}")
        kit = FleetKit.make(tmp_path / "fleet", ("root", "api"), environments=environments, extra=extra)
        for word in ("good", "bad"):
            kit.commit("api", "stg", {"feature.txt": f"{word}\n"}, f"feat: {word}")
            people["kim"].use(format="openpgp", key="kim@example.invalid")
            kit.promote("stg", "main").ok()
        first = kit.tags("deploy-")[0]
        assert gits_word(kit, "api", "verify-tag", first).returncode == 0
        back(kit, first).ok()
        replayed(kit, (first, kit.tags("deploy-")[1]))
        assert "under another name" in back(kit, kit.tags("deploy-")[1]).exits(3).text
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, capture_output=True, timeout=30)
