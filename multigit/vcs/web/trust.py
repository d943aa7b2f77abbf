"""Who may vouch for a web host: the person's file of authorities, or the system's, as git takes them."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path
from typing import Final

from multigit.vcs.wire import NotUnderstood

_BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                   "/etc/ssl/cert.pem")  # fmt: skip
"""Where systems keep the authorities, in case Python was built for another one."""
_FOLDER: Final = "/etc/ssl/certs"


@lru_cache(maxsize=8)
def trusting(file: str, level: int = 0) -> ssl.SSLContext:
    """A context that trusts the authorities in `file`, '' = the system's; made once for all hosts.

    The system's folder costs nothing, the same in one file 40 ms of CPU: the file is added on `level` 1, for where a
    certificate was refused. NotUnderstood where there is no such level.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    folder = "" if file else _hashed()
    if level > (0 if file else 1):
        raise NotUnderstood("nobody vouches for its certificate, as far as we know")
    bundle = file or ("" if folder and not level else _bundle())
    try:
        context.load_verify_locations(cafile=bundle or None, capath=folder or None)
    except (OSError, TypeError, ValueError) as error:
        raise NotUnderstood(f"the certificates were not read: {error}") from error
    return context


def _bundle() -> str:
    places = (ssl.get_default_verify_paths().openssl_cafile, *_BUNDLES)
    return next((name for name in places if Path(name).is_file()), "")


def _hashed() -> str:
    """The system's folder of authorities, if they can be found in it by their names (c_rehash(1))."""
    for folder in (ssl.get_default_verify_paths().openssl_capath, _FOLDER):
        path = Path(folder)
        if path.is_dir() and sum(1 for _ in path.glob("*.0")) > 20:
            return folder
    return ""
