"""Whether git would go straight to a web host, and whose certificates it would take there.

Straight: no proxy, client certificate, extra header, cookies or login of its own stand in between. Only then may
the rest of this folder speak with the host itself.
"""

from __future__ import annotations

import os
import re
import threading
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from multigit.vcs.run import git, personal
from multigit.vcs.web import trust
from multigit.vcs.wire import NotUnderstood

_HARMLESS: Final = ("postbuffer", "lowspeedlimit", "lowspeedtime", "followredirects", "version", "maxrequests",
                    "minsessions", "useragent", "keepaliveidle", "keepaliveinterval", "keepalivecount")  # fmt: skip
"""Settings under http.* that do not change what is asked of whom."""
_DECIDE: Final = ("GIT_SSL_CAPATH", "GIT_SSL_NO_VERIFY", "GIT_SSL_CERT", "GIT_SSL_KEY")

_one_asks: Final = threading.Lock()


def authorities(url: str) -> str:
    """The file of the authorities that the person trusts for `url`, '' = the system's; NotUnderstood: not straight."""
    with _one_asks:  # the others wait for its answer instead of asking as well
        person = personal()
        peculiar = person.peculiar or len(person.meanings(url)) > 1
        settings = {} if peculiar else _settings(_asked_for(url) if _by_address(person.web) else "", person.web)
    if peculiar or any(name in os.environ for name in _DECIDE) or _by_proxy(url) or _netrc():
        raise NotUnderstood("the person's own settings decide")
    return _judged(settings)


def _judged(settings: dict[str, str]) -> str:
    odd = {
        name for name, value in settings.items() if name not in (*_HARMLESS, "sslcainfo") and not _plain(name, value)
    }
    file = os.environ.get("GIT_SSL_CAINFO", settings.get("sslcainfo"))
    if odd or file == "" or (file or "").startswith("%"):
        raise NotUnderstood("the person's own settings decide")
    return os.path.expanduser(file or "")  # noqa: PTH111 - as git: only what begins with ~ is someone's home


def _plain(name: str, value: str) -> bool:
    """What says what holds anyway."""
    return name == "sslverify" and value.lower() in ("", "true", "yes", "on", "1")


Web = tuple[tuple[str, str], ...]


def _by_address(web: Web) -> bool:
    """Whether some setting is for certain addresses only."""
    return any(key.count(".") > 1 for key, _ in web)


def _asked_for(url: str) -> str:
    """What of `url` decides which settings are meant: all of it where one of them names a path, else the host."""
    parts = urlsplit(url)
    named = any(urlsplit(key[5:].rpartition(".")[0]).path.strip("/") for key, _ in personal().web)
    return url if named else f"{parts.scheme}://{parts.netloc}/"


@lru_cache(maxsize=1024)
def _settings(url: str, web: Web) -> dict[str, str]:
    """The settings under http.* that hold for `url` ('' = for every one), by lower-case name; git itself matches."""
    if url:
        out = git("config", "--null", "--get-urlmatch", "http", url, check=False).out.decode("utf-8", "replace")
        web = tuple(entry.partition("\n")[::2] for entry in out.split("\0") if entry)
    return {key[5:].lower(): value for key, value in web}


def _netrc() -> bool:
    return os.path.exists(os.path.join(os.environ.get("HOME", ""), ".netrc"))  # noqa: PTH110, PTH118 - asked often


def _by_proxy(url: str) -> bool:
    """Whether a proxy is set for `url`; of who is excepted only what every libcurl reads alike."""
    parts = urlsplit(url)
    names = (f"{parts.scheme.lower()}_proxy", "all_proxy")
    if not any(os.environ.get(spelt) for name in names for spelt in (name, name.upper())):
        return False
    host = (parts.hostname or "").rstrip(".")
    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    excepted = [name for name in re.split(r"[,\s]+", listed.lower()) if name]
    numeric = re.fullmatch(r"[0-9.]+|.*:.*", host) is not None
    return not any(name == host or (not numeric and host.endswith(f".{name.lstrip('.')}")) for name in excepted)


def forget() -> None:
    """Forget settings and certificates: for tests, which change them."""
    _settings.cache_clear()
    trust.trusting.cache_clear()
