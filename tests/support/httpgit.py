"""git over HTTP as a host offers it: nginx, fcgiwrap and git-http-backend(1) on a loopback port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self
from urllib.parse import quote

from tests.support.processes import Family, answers, program, wait_until

PROGRAMS = ("nginx", "fcgiwrap")
STATUSES = (401, 403, 404, 429, 500, 502, 503)
STEPS = ("fetch", "probe", "push")
"""What a request is for: reading, asking whether one may push (info/refs of git-receive-pack), pushing."""

_CONFIG = """\
daemon off;
{user}
worker_processes 1;
pid {prefix}/nginx.pid;
error_log {prefix}/nginx.log;
events {{ worker_connections 512; }}
http {{
  log_format short '$request_method $request_uri $status';
  access_log {prefix}/requests.log short;
  client_body_temp_path {prefix}/body;
  fastcgi_temp_path {prefix}/fastcgi;
  proxy_temp_path {prefix}/proxy;
  uwsgi_temp_path {prefix}/uwsgi;
  scgi_temp_path {prefix}/scgi;
  client_max_body_size 0;
  keepalive_timeout 60s;
  map $uri $repository {{ default ""; "~^/(?<path>.+?[.]git)(?:/|$)" $path; }}
  map "$arg_service $uri" $step {{
    default fetch;
    "~^git-receive-pack .*/info/refs$" probe;
    "~/git-receive-pack$" push;
  }}
  server {{
    listen 127.0.0.1:{port};
    location /moved/ {{ rewrite ^/moved/(.*)$ http://$http_host/$1 redirect; }}
    location / {{
{failures}
{login}
      fastcgi_pass unix:{prefix}/cgi;
      # A push that has arrived is finished even if the client has gone, as on the hosts people use. nginx still gives
      # up once it fails to write, so answers are kept in large pieces; what hooks say is therefore not seen at once.
      fastcgi_ignore_client_abort on;
      fastcgi_buffer_size 64k;
      fastcgi_buffers 16 64k;
      fastcgi_read_timeout 600s;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT "{root}";
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param GIT_CONFIG_NOSYSTEM 1;
      fastcgi_param GIT_CONFIG_GLOBAL {prefix}/gitconfig;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param {mark_name} {mark};
    }}
  }}
}}
"""
_FAILURE = """      if (-f "{prefix}/failures/{status}/$step/$repository") {{ {header}return {status}; }}"""
_CHALLENGE = """add_header WWW-Authenticate 'Basic realm="git"' always; """
_LOGIN = """      auth_basic "git";
      auth_basic_user_file {prefix}/htpasswd;"""


class HttpGit:
    """Serves every bare repository below `root`, for reading and pushing, until the context ends.

    `login` (user, password) asks for basic authentication; hooks then find the user in REMOTE_USER. `port` and `prefix`
    (configuration, logs, sockets; a short path of its own) exist inside the context. Hooks run with our PATH.
    """

    def __init__(self, root: Path, *, login: tuple[str, str] | None = None) -> None:
        self.root = root.resolve()
        self.port = 0
        self.prefix = Path()
        self.login = login
        self._family = Family()

    def __enter__(self) -> Self:
        nginx, fcgiwrap = (program(name) for name in PROGRAMS)
        self.prefix = Path(tempfile.mkdtemp(prefix="mg-http-"))
        try:
            self._prepare()
            self._start_cgi(fcgiwrap)
            self._start_nginx(nginx)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def url(self, name: str, *, via: int | None = None, login: bool = False) -> str:
        """The address of `name` (its path below the root); `via` another port, with user and password if `login`."""
        person = "{}:{}@".format(*self.login) if login and self.login else ""
        return f"http://{person}127.0.0.1:{via or self.port}/{quote(name)}"

    def moved_url(self, name: str) -> str:
        """An address that redirects to `url(name)` with status 302."""
        return f"http://127.0.0.1:{self.port}/moved/{quote(name)}"

    def fail(self, name: str, status: int, *, at: Iterable[str] = STEPS) -> None:
        """From now on answer requests for the repository `name` (ending in .git) with `status`, at these STEPS only."""
        assert status in STATUSES
        assert name.endswith(".git")
        for step in at:
            file = self.prefix / "failures" / str(status) / step / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()

    def heal(self) -> None:
        """Take back every `fail`."""
        shutil.rmtree(self.prefix / "failures", ignore_errors=True)

    def requests(self) -> list[str]:
        """Every finished request so far: method, address with query, status."""
        return (self.prefix / "requests.log").read_text().splitlines()

    def pids(self) -> set[int]:
        """The server's processes, those of running pushes and hooks included."""
        return self._family.pids()

    def _prepare(self) -> None:
        self.prefix.joinpath("gitconfig").write_text("[http]\n\treceivepack = true\n[safe]\n\tdirectory = *\n")
        if self.login:
            self.prefix.joinpath("htpasswd").write_text("{}:{{PLAIN}}{}\n".format(*self.login))

    def _start_cgi(self, fcgiwrap: Path) -> None:
        socket = f"{self.prefix}/cgi"
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.prefix), "LC_ALL": "C"}
        argv = [str(fcgiwrap), "-f", "-c", "32", "-s", f"unix:{socket}"]
        self._family.start(argv, environment=environment, log=self.prefix / "cgi.log")
        wait_until(lambda: answers(socket), seconds=10, what="fcgiwrap accepts")

    def _start_nginx(self, nginx: Path) -> None:
        log, file = self.prefix / "nginx.log", self.prefix / "nginx.conf"

        def begin(port: int) -> subprocess.Popen[bytes]:
            file.write_text(self._config(port))
            argv = [str(nginx), "-p", str(self.prefix), "-e", str(log), "-c", str(file)]
            return self._family.start(argv, environment={}, log=log)

        self.port = self._family.listen(begin, lambda port: answers(("127.0.0.1", port)), log)

    def _config(self, port: int) -> str:
        git_programs = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True).stdout.strip()
        failures = [
            _FAILURE.format(prefix=self.prefix, status=status, header=_CHALLENGE if status == 401 else "")
            for status in STATUSES
        ]
        return _CONFIG.format(
            # nginx's workers would otherwise become www-data, which may not read the root folder
            user="user root;" if os.geteuid() == 0 else "",
            prefix=self.prefix,
            port=port,
            failures="\n".join(failures),
            login=_LOGIN.format(prefix=self.prefix) if self.login else "",
            backend=f"{git_programs}/git-http-backend",
            root=self.root,
            mark_name=self._family.mark[0],
            mark=self._family.mark[1],
        )

    def _stop(self) -> None:
        try:
            self._family.stop()
        finally:
            shutil.rmtree(self.prefix, ignore_errors=True)
