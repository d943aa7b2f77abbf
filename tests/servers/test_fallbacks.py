"""Whatever a web host needs first: the answer is git's own, with a git process where we cannot give it without."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from multigit.vcs import hosts, run
from multigit.vcs.lsrefs import list_refs
from multigit.vcs.problems import problem_of
from multigit.vcs.run import GitError
from multigit.vcs.web import bundle, door, trust
from tests.support import httpgit, oddweb
from tests.support.gitkit import bare
from tests.support.gitspy import GitSpy
from tests.support.oddweb import Certificates, Passing, served
from tests.support.person import config, helper
from tests.support.serverfixtures import require
from tests.support.servers import HttpGit

pytestmark = pytest.mark.slow
PATTERNS = ("refs/heads/main", "refs/heads/next", "refs/tags/deploy-*", "refs/multigit/")
By = Literal["us", "git", "git alone", "any"]
"""Who reads; `git alone`: the host was not even asked without what the person set."""


@dataclass
class Stand:
    """A real host below `root`, and what is put in front of it for one test."""

    root: Path
    server: HttpGit
    certificates: Certificates
    setenv: Callable[[str, str], None]
    stack: ExitStack = field(default_factory=ExitStack)
    seen: list[str] = field(default_factory=list)

    def front(self, handler: type[Passing], *, tls: bool = False, wants_client: bool = False) -> str:
        """The address of such a server in front of the host."""
        context = self.certificates.server(wants_client=wants_client) if tls else None
        port, self.seen = self.stack.enter_context(served(handler, self.server.port, context))
        return f"http{'s' if tls else ''}://127.0.0.1:{port}"

    def api(self) -> str:
        return self.server.url("api.git")


@pytest.fixture(scope="module")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HttpGit, Certificates]]:
    require(*httpgit.PROGRAMS)
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    root = tmp_path_factory.mktemp("served")
    api = bare(root / "api.git")
    head = api.commit({"a": "1"})
    for name in ("heads/mainly", "heads/next", "multigit/fence", "multigit/stage/r-1"):
        api.git("update-ref", f"refs/{name}", head)
    api.git("tag", "-a", "-m", "release", "deploy-1", "main")
    api.git("tag", "deploy-2", "main")
    bare(root / "wide.git", sha="sha256").commit({"a": "1"})
    bare(root / "empty.git")
    unborn = bare(root / "unborn.git")
    unborn.commit({"a": "1"})
    unborn.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    for status in (403, 404, 429, 500, 503):
        bare(root / f"s{status}.git").commit({"a": "1"})
    with HttpGit(root) as server:
        for status in (403, 404, 429, 500, 503):
            server.fail(f"s{status}.git", status)
        yield server, Certificates(root)


@pytest.fixture
def stand(served_once: tuple[HttpGit, Certificates], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    server, certificates = served_once
    monkeypatch.setattr(hosts, "PAUSES", (0.01, 0.02))
    door.forget()
    run._personal.cache_clear()
    with ExitStack() as stack:
        yield Stand(server.root, server, certificates, monkeypatch.setenv, stack)
    door.forget()
    run._personal.cache_clear()


# --- what stands in front: each returns the address to read --------------------------------------------------------


def plainly(stand: Stand) -> str:
    return stand.api()


def empty(stand: Stand) -> str:
    return stand.server.url("empty.git")


def unborn(stand: Stand) -> str:
    return stand.server.url("unborn.git")


def wide(stand: Stand) -> str:
    return stand.server.url("wide.git")


def redirect(stand: Stand) -> str:
    return stand.server.moved_url("api.git")


def version_one_only(stand: Stand) -> str:
    return f"{stand.front(oddweb.OldFirst)}/api.git"


def version_nought_only(stand: Stand) -> str:
    return f"{stand.front(oddweb.Oldest)}/api.git"


def self_signed(stand: Stand) -> str:
    return f"{stand.front(Passing, tls=True)}/api.git"


def trusted_by_setting(stand: Stand) -> str:
    config("http.sslCAInfo", stand.certificates.file)
    return self_signed(stand)


def trusted_for_this_host(stand: Stand) -> str:
    base = stand.front(Passing, tls=True)
    config("http.https://elsewhere.invalid/.sslCAInfo", "/nowhere.pem")
    config(f"http.{base}/.sslCAInfo", stand.certificates.file)
    return f"{base}/api.git"


def trusted_below_a_path(stand: Stand) -> str:
    base = stand.front(Passing, tls=True)
    config(f"http.{base}/api.git.sslCAInfo", stand.certificates.file)
    return f"{base}/api.git"


def trusted_below_another_path(stand: Stand) -> str:
    base = stand.front(Passing, tls=True)
    config(f"http.{base}/other/.sslCAInfo", stand.certificates.file)
    return f"{base}/api.git"


def trusted_by_environment(stand: Stand) -> str:
    stand.setenv("GIT_SSL_CAINFO", str(stand.certificates.file))
    return self_signed(stand)


def unverified_by_setting(stand: Stand) -> str:
    config("http.sslVerify", "false")
    return self_signed(stand)


def unverified_by_environment(stand: Stand) -> str:
    stand.setenv("GIT_SSL_NO_VERIFY", "1")
    return self_signed(stand)


def client_certificate_missing(stand: Stand) -> str:
    config("http.sslCAInfo", stand.certificates.file)
    return f"{stand.front(Passing, tls=True, wants_client=True)}/api.git"


def client_certificate(stand: Stand) -> str:
    config("http.sslCert", stand.certificates.client_file)
    config("http.sslKey", stand.certificates.client_key)
    return client_certificate_missing(stand)


def proxy_by_setting(stand: Stand) -> str:
    config("http.proxy", stand.front(Passing))
    return stand.api()


def proxy_by_environment(stand: Stand) -> str:
    stand.setenv("http_proxy", stand.front(Passing))
    return stand.api()


def proxy_for_others(stand: Stand) -> str:
    stand.setenv("http_proxy", "http://127.0.0.1:1")
    stand.setenv("no_proxy", "example.com,127.0.0.1")
    return stand.api()


def proxy_that_is_not_there(stand: Stand) -> str:
    stand.setenv("https_proxy", "http://127.0.0.1:1")
    return trusted_by_setting(stand)


def header_missing(stand: Stand) -> str:
    return f"{stand.front(oddweb.WantsHeader)}/api.git"


def extra_header(stand: Stand) -> str:
    config("http.extraHeader", "X-Team: shop")
    return header_missing(stand)


def cookies(stand: Stand) -> str:
    file = Path(os.environ["HOME"]) / "cookies"
    file.write_text("127.0.0.1\tFALSE\t/\tFALSE\t0\tdoor\topen\n")
    config("http.cookieFile", file)
    return f"{stand.front(oddweb.WantsCookie)}/api.git"


def netrc_for_nobody(stand: Stand) -> str:
    (Path(os.environ["HOME"]) / ".netrc").write_text("machine 127.0.0.1 login kim password right\n")
    return stand.api()


def rewritten(stand: Stand) -> str:
    config(f"url.{stand.server.url('')}.insteadOf", "https://git.example.invalid/")
    return "https://git.example.invalid/api.git"


def cut_short(stand: Stand) -> str:
    return f"{stand.front(oddweb.CutsShort)}/api.git"


def mumbled(stand: Stand) -> str:
    return f"{stand.front(oddweb.Mumbles)}/api.git"


def closed(stand: Stand) -> str:
    return "http://127.0.0.1:1/api.git"


def foreign_letters(stand: Stand) -> str:
    return stand.server.url("").removesuffix("/") + "/프로젝트.git"


def status(number: int) -> Callable[[Stand], str]:
    def refused(stand: Stand) -> str:
        return stand.server.url(f"s{number}.git")

    return refused


def with_login(*logins: str, netrc: str = "") -> Callable[[Stand], str]:
    def asking(stand: Stand) -> str:
        server = stand.stack.enter_context(HttpGit(stand.root, login=("kim", "right")))
        if logins:
            helper(*logins)
        if netrc:
            (Path(os.environ["HOME"]) / ".netrc").write_text(f"machine 127.0.0.1 login kim password {netrc}\n")
        return server.url("api.git")

    return asking


TABLE: list[tuple[str, Callable[[Stand], str], By]] = [
    ("nothing odd", plainly, "us"),
    ("an empty repository", empty, "us"),
    ("a HEAD that is not born", unborn, "us"),
    ("sha256", wide, "any"),
    ("a redirect", redirect, "git"),
    ("version 1 only", version_one_only, "git"),
    ("version 0 only", version_nought_only, "git"),
    ("a certificate nobody vouches for", self_signed, "git"),
    ("http.sslCAInfo", trusted_by_setting, "us"),
    ("http.<url>.sslCAInfo", trusted_for_this_host, "us"),
    ("http.<url with a path>.sslCAInfo", trusted_below_a_path, "us"),
    ("http.<url with another path>.sslCAInfo", trusted_below_another_path, "git"),
    ("GIT_SSL_CAINFO", trusted_by_environment, "us"),
    ("http.sslVerify", unverified_by_setting, "git"),
    ("GIT_SSL_NO_VERIFY", unverified_by_environment, "git"),
    ("a client certificate", client_certificate, "git"),
    ("a client certificate that is missing", client_certificate_missing, "git"),
    ("http.proxy", proxy_by_setting, "git alone"),
    ("http_proxy", proxy_by_environment, "git alone"),
    ("no_proxy", proxy_for_others, "us"),
    ("an https_proxy that is not there", proxy_that_is_not_there, "git"),
    ("http.extraHeader", extra_header, "git alone"),
    ("a header that is missing", header_missing, "git"),
    ("cookies", cookies, "git alone"),
    ("insteadOf", rewritten, "git"),
    ("a login of the helper's", with_login("right"), "us"),
    ("no login", with_login(), "git"),
    ("a wrong login", with_login("wrong"), "git"),
    (".netrc", with_login(netrc="right"), "git"),
    ("a .netrc that nobody asks for", netrc_for_nobody, "git"),
    ("a wrong .netrc", with_login(netrc="wrong"), "git"),
    ("an answer cut short", cut_short, "git"),
    ("an answer in no words of git", mumbled, "git"),
    ("nobody there", closed, "git"),
    ("letters of another alphabet", foreign_letters, "git"),
    *((f"http {number}", status(number), "git") for number in (403, 404, 429, 500, 503)),
]


@pytest.mark.parametrize(("way", "by"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_answer_is_gits(stand: Stand, way: Callable[[Stand], str], by: By, monkeypatch: pytest.MonkeyPatch) -> None:
    url = way(stand)
    spy = GitSpy.make(Path(os.environ["HOME"]) / "spy")
    monkeypatch.setenv("PATH", spy.path)
    found = ours(url)
    listed = any(one.verb == "ls-remote" for one in spy.started())
    told = Path(os.environ["HOME"], "told")
    said_to_helper = told.read_text().split() if told.exists() else []
    assert found == gits(url)
    assert by == "any" or listed == (by != "us")
    assert by != "git alone" or stand.seen[0].startswith("GET"), "git begins with another question than we"
    assert found == ours(url), "a second time as well"
    if by == "us" and said_to_helper:
        assert said_to_helper == ["get", "store"]


def ours(url: str) -> dict[str, str] | str:
    """Refs with what they stand for as git prints it, or the kind of problem."""
    try:
        refs = list_refs(url, PATTERNS)
    except GitError as failed:
        return failed.problem.kind
    rows = {name: str(seen.oid) for name, seen in refs.items()}
    return rows | {f"{name}^{{}}": str(seen.peeled) for name, seen in refs.items() if seen.peeled}


def gits(url: str) -> dict[str, str] | str:
    """The same of `git ls-remote` itself."""
    words = [f"{one}*" if one.endswith("/") else one for one in PATTERNS]
    argv = ["git", "-c", "http.followRedirects=false", "ls-remote", url, *words, *(f"{word}^{{}}" for word in words)]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "false", "LC_ALL": "C"}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        return problem_of(done.stderr, url=url).kind
    return {name: oid for oid, name in (line.split("\t") for line in done.stdout.splitlines())}


def test_after_a_wrong_login_the_right_one_is_found_and_each_is_told_to_the_helper(stand: Stand) -> None:
    expected = ours(stand.api())
    url = with_login("wrong", "right")(stand)
    assert [ours(url) for _ in range(3)] == [expected] * 3
    assert Path(os.environ["HOME"], "told").read_text().split() == ["get", "erase", "get", "store"]


def test_a_password_goes_to_no_host_that_wants_another_kind_of_login(stand: Stand) -> None:
    class Negotiates(Passing):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.seen.append(self.headers.get("Authorization", ""))
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Digest realm=x, nonce=y")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

    helper("right")
    assert ours(f"{stand.front(Negotiates)}/api.git") == "auth"
    assert stand.seen
    assert not [words for words in stand.seen if words.startswith("Basic")]


def test_a_host_that_answers_drop_by_drop_is_given_up_in_time(stand: Stand) -> None:
    url = f"{stand.front(oddweb.Drips)}/api.git"
    start = time.monotonic()
    with pytest.raises(GitError) as late:
        list_refs(url, PATTERNS, timeout=1)
    assert late.value.problem.kind == "timeout"
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("known", [True, False])
def test_who_is_in_the_systems_file_but_not_in_its_folder_is_trusted_as_well(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    monkeypatch.setattr(trust, "_hashed", lambda: str(tmp_path))
    file = stand.certificates.file if known else stand.certificates.client_file
    monkeypatch.setattr(trust, "_bundle", lambda: str(file))
    url = self_signed(stand)
    assert [isinstance(ours(url), dict) for _ in range(2)] == [known, known]
    assert len([line for line in stand.seen if line.startswith("POST")]) == (2 if known else 0)


def test_over_https_one_connection_serves_many_readings_and_no_git_runs(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is git's configuration asked once for each repository."""
    url = trusted_by_setting(stand)
    spy = GitSpy.make(Path(os.environ["HOME"]) / "spy")
    monkeypatch.setenv("PATH", spy.path)
    for _ in range(5):
        assert isinstance(ours(url), dict)
    asked = [one.verb for one in spy.started() if one.verb != "version"]
    assert asked == ["config", "config"], "which settings there are, and in which files: both for later"
    assert len(stand.seen) == 5


# --- the system's certificates, read once by git itself -------------------------------------------------------------


@pytest.fixture
def system(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system whose authorities are the stand's certificate alone; its folder of them."""
    folder = tmp_path / "certs"
    folder.mkdir()
    for name in ("stand.pem", "ca-certificates.crt"):
        shutil.copy(stand.certificates.file, folder / name)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(bundle, "FILE", folder / "ca-certificates.crt")
    monkeypatch.setattr(bundle, "MARK", folder)
    monkeypatch.setattr(bundle, "GIT", Path(shutil.which("git") or "").resolve())
    bundle._whole.cache_clear()
    return folder


def read_by_git(url: str) -> str:
    """What `git ls-remote` says, or the kind of problem."""
    try:
        return run.git("ls-remote", url, network=True, url=url).out.decode()
    except GitError as failed:
        return failed.problem.kind


def test_git_takes_the_systems_file_alone_where_it_has_all_that_the_folder_has(stand: Stand, system: Path) -> None:
    assert "refs/heads/main" in read_by_git(self_signed(stand)), "as the system says, by the file we name"
    assert bundle.alone("https://127.0.0.1/api.git", run.personal) == {
        "GIT_SSL_CAINFO": str(system / "ca-certificates.crt"),
        "GIT_SSL_CAPATH": os.devnull,
    }
    assert bundle.alone("http://127.0.0.1/api.git", run.personal) == {}


def test_git_decides_itself_where_the_folder_has_more(stand: Stand, system: Path) -> None:
    shutil.copy(stand.certificates.client_file, system / "added-by-hand.crt")
    assert read_by_git(self_signed(stand)) == "unreachable", "this machine's real authorities do not know it"


@pytest.mark.parametrize("way", [trusted_by_setting, trusted_for_this_host, trusted_by_environment])
def test_whom_the_person_trusts_is_trusted_whatever_the_system_says(
    stand: Stand, system: Path, way: Callable[[Stand], str]
) -> None:
    for name in ("stand.pem", "ca-certificates.crt"):
        shutil.copy(stand.certificates.client_file, system / name)
    assert "refs/heads/main" in read_by_git(way(stand))
