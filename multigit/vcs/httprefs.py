"""ls-refs over http and https without a git process: one request per repository, on connections that are kept open.

Only what is plainly the same as git's own way is done here. A proxy, a client certificate, an extra header, cookies,
a redirect, an old protocol, a login that git's helpers do not know: for those the caller asks git (NotUnderstood).
"""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from multigit.vcs.run import git, personal
from multigit.vcs.wire import NotUnderstood, RefSeen, answer, request

Place = tuple[str, str, int]
"""Scheme, host, port."""

_LARGEST: Final = 64 << 20
"""Bytes of an answer that are read; a million refs are git's business."""
_HARMLESS: Final = ("postbuffer", "lowspeedlimit", "lowspeedtime", "followredirects", "version", "maxrequests",
                    "minsessions", "useragent")  # fmt: skip
"""Settings under http.* that do not change what is asked of whom."""
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
_HEADERS: Final = {
    "Content-Type": "application/x-git-upload-pack-request",
    "Accept": "application/x-git-upload-pack-result",
    "Git-Protocol": "version=2",
    "User-Agent": "git/multigit",
}


class _Pool:
    """Open connections and logins by place. Safe for threads; lives as long as the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Place, list[http.client.HTTPConnection]] = {}
        self._logins: dict[Place, _Login] = {}

    def take(self, place: Place, timeout: float) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was used before."""
        with self._lock:
            idle = self._idle.setdefault(place, [])
            if idle:
                return idle.pop(), True
        scheme, host, port = place
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=_tls()), False
        return http.client.HTTPConnection(host, port, timeout=timeout), False

    def give(self, place: Place, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._idle.setdefault(place, []).append(connection)

    def forget(self) -> None:
        with self._lock:
            for connection in [one for idle in self._idle.values() for one in idle]:
                connection.close()
            self._idle.clear()
            self._logins.clear()

    def login(self, place: Place) -> _Login:
        with self._lock:
            return self._logins.setdefault(place, _Login(place))


class _Login:
    """What `git credential` knows of one host; asked once, told whether it was right. Never stored by us."""

    def __init__(self, place: Place) -> None:
        self._place, self._lock, self._asked, self._right = place, threading.Lock(), False, False
        self._words = b""

    def header(self, *, refused: bool) -> dict[str, str]:
        """The Authorization header; `refused`: the host wants one."""
        with self._lock:
            if refused and not self._asked:
                self._asked = True
                self._words = self._fill()
            fields = dict(
                line.split("=", 1) for line in self._words.decode("utf-8", "replace").splitlines() if "=" in line
            )
        if "password" not in fields:
            return {}
        pair = f"{fields.get('username', '')}:{fields['password']}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _fill(self) -> bytes:
        scheme, host, port = self._place
        known = {"https": 443, "http": 80}[scheme] == port
        described = f"protocol={scheme}\nhost={host}{'' if known else f':{port}'}\n\n"
        return git("credential", "fill", stdin=described.encode(), check=False, timeout=30).out

    def proved(self, *, right: bool) -> None:
        """Tell the helpers, as git does: once when it worked, and when it did not."""
        with self._lock:
            if not self._words or (right and self._right):
                return
            self._right = right
            git("credential", "approve" if right else "reject", stdin=self._words + b"\n", check=False, timeout=30)
            self._words = self._words if right else b""


_pool: Final = _Pool()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The system's authorities, as git has them: SSL_CERT_FILE and the like are not git's."""
    paths = ssl.get_default_verify_paths()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file, folder = Path(paths.openssl_cafile), Path(paths.openssl_capath)
    if not file.is_file() and not folder.is_dir():
        raise NotUnderstood("the system's certificates were not found")
    context.load_verify_locations(
        cafile=str(file) if file.is_file() else None, capath=str(folder) if folder.is_dir() else None
    )
    return context


def list_refs(url: str, patterns: Sequence[str], timeout: float) -> dict[str, RefSeen]:
    """The refs at `url`, in one round trip where the connection is open; NotUnderstood where git must be asked."""
    parts = urlsplit(url)
    if not plain(url) or parts.username or parts.query or not parts.hostname:
        raise NotUnderstood("the person's own settings decide")
    place = (parts.scheme.lower(), parts.hostname, parts.port or {"https": 443, "http": 80}[parts.scheme.lower()])
    login = _pool.login(place)
    path = f"{parts.path.rstrip('/')}/git-upload-pack"
    body = request(patterns)
    status, data = _post(place, path, body, login.header(refused=False), timeout)
    if status == http.client.UNAUTHORIZED:
        header = login.header(refused=True)
        if not header:
            raise NotUnderstood("no login is known")
        status, data = _post(place, path, body, header, timeout)
        login.proved(right=status == http.client.OK)
    if status != http.client.OK:
        raise NotUnderstood(f"http {status}")
    return answer(data, patterns)


def _post(place: Place, path: str, body: bytes, more: dict[str, str], timeout: float) -> tuple[int, bytes]:
    until = time.monotonic() + timeout
    while True:
        connection, used = _pool.take(place, timeout)
        try:
            connection.request("POST", path, body, {**_HEADERS, **more})
            response = connection.getresponse()
            data = _read(response, until)
        except TimeoutError:
            connection.close()
            raise
        except (OSError, http.client.HTTPException) as broken:
            connection.close()
            if used:
                continue  # the host closed a connection that was idle; a reading may be asked again
            raise NotUnderstood(str(broken)) from broken
        except NotUnderstood:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            _pool.give(place, connection)
        right_kind = response.getheader("Content-Type", "") == _HEADERS["Accept"]
        return (response.status if right_kind or response.status != http.client.OK else 0), data


def _read(response: http.client.HTTPResponse, until: float) -> bytes:
    """All of the answer; a host that sends it drop by drop, or without end, is given up."""
    parts: list[bytes] = []
    size = 0
    while part := response.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise NotUnderstood("too many refs")
        if time.monotonic() > until:
            raise TimeoutError
    response.read()  # read1 does not notice the end, and the connection would not be free for the next request
    return b"".join(parts)


def forget() -> None:
    """Close every connection and forget every login and setting: for tests, which change them."""
    _pool.forget()
    _simple_settings.cache_clear()


def plain(url: str) -> bool:
    """Whether nothing in the person's settings makes git go another way to `url` than straight there."""
    if any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
        return False
    with _one_asks:  # the others wait for its answer instead of asking as well
        straight = len(personal().meanings(url)) == 1 and _simple_settings(os.environ.get("HOME", ""))
    if not straight:
        return False
    with suppress(OSError):
        return not (Path.home() / ".netrc").exists()
    return True


_one_asks: Final = threading.Lock()


@lru_cache(maxsize=8)
def _simple_settings(home: str) -> bool:  # noqa: ARG001 - it says which files git reads
    wanted = r"^(http\..*|credential\.(.*\.)?usehttppath|remote\..*\.proxy)$"
    out = git("config", "--null", "--name-only", "--get-regexp", wanted, check=False).out.decode("utf-8", "replace")
    names = [name for name in out.split("\0") if name]
    return all(name.startswith("http.") and name.rpartition(".")[2].lower() in _HARMLESS for name in names)
