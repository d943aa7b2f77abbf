"""The system's certificates for git over https, read once per process instead of twice.

Debian's git reads the folder of authorities and then the one file with all of them. Told that there is no folder, a
`git ls-remote` takes 30 ms of CPU instead of 70. Only where both are known to say the same.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from multigit.vcs.personal import PersonalSettings
from multigit.vcs.urls import check_url

FILE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
GIT: Final = Path("/usr/bin/git")
"""Debian's own; another one may have been built with authorities of its own."""
MARK: Final = Path("/etc/debian_version")
_LINK: Final = re.compile(r"[0-9a-f]{8}\.\d+")
_BESIDE: Final = ("ca-certificates.crt", "java")
_THEIRS: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_NO_VERIFY",
                  "http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")  # fmt: skip


def alone(url: str, personal: Callable[[], PersonalSettings]) -> dict[str, str]:
    """What to add to the environment of a git that speaks with `url`; {} where the person's settings, or anything else
    about this machine, decide about certificates.
    """
    if not url.lower().startswith("https:") or check_url(url) or any(name in os.environ for name in _THEIRS):
        return {}
    if any(re.search(r"\.(ssl|proxy|schannel)\w*$", name.lower()) for name, _ in personal().web):
        return {}
    git = shutil.which("git")
    if not git or not _whole(FILE, Path(git)):
        return {}
    return {"GIT_SSL_CAINFO": str(FILE), "GIT_SSL_CAPATH": os.devnull}


@lru_cache(maxsize=4)
def _whole(file: Path, git: Path) -> bool:
    """Whether `git` is Debian's and `file` has as many certificates as its folder, and nothing odd is there."""
    try:
        if git.resolve() != GIT or not MARK.exists():
            return False
        names = {name for name in os.listdir(file.parent) if not _LINK.fullmatch(name)} - set(_BESIDE)  # noqa: PTH208
        certificates = file.read_bytes().count(b"-----BEGIN CERTIFICATE-----")
    except OSError:
        return False
    return certificates == len(names) > 0 and all(name.endswith(".pem") for name in names)
