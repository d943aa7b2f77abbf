"""CloudFront's caches: which distribution, what has to be asked for anew, and how far it is. Not a target."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final
from urllib.parse import quote

from multigit.clients import asked
from multigit.errors import MultigitError
from multigit.targets._s3.headers import is_hashed
from multigit.targets._s3.manifest import Manifest

DONE: Final = "Completed"
_ID: Final = re.compile(r"E[A-Z0-9]{6,20}")
_MOST: Final = 15
"""Paths that are named one by one; above it everything is (which CloudFront counts as one)."""
_ALL: Final = ("/*",)
_PLAIN: Final = "/~-._!$&'()+,;=:@"
"""Left as it is; everything else is written as in an address (RFC 3986)."""


def found(cloudfront: Any, cdn: str) -> str:
    """Id of the distribution that `cdn` names, by id, domain or alias. MultigitError where there is none."""
    if _ID.fullmatch(cdn):
        return cdn
    wanted, known = cdn.lower().rstrip("."), list[str]()
    with asked("CloudFront's distributions cannot be listed"):
        for page in cloudfront.get_paginator("list_distributions").paginate():
            for one in page.get("DistributionList", {}).get("Items", ()):
                names = [one["DomainName"], *one.get("Aliases", {}).get("Items", ())]
                if wanted in (name.lower() for name in names):
                    return str(one["Id"])
                known += names
    raise MultigitError(f"no CloudFront distribution of this account serves {cdn}", code="MG-835",
                        why=f"they serve {', '.join(sorted(known)[:10])}" if known else "it has none",
                        hint="mend `cdn` in repos.yaml: an id, a domain or an alias",
                        state="nothing was changed")  # fmt: skip


def stale(manifest: Manifest, before: Manifest | None, prefix: str) -> tuple[str, ...]:
    """Paths whose cached answers may be old. The same for every try: it depends on the two releases alone."""
    if before is None or prefix:  # what path a prefix has at the distribution is not known here
        return _ALL
    paths = {
        path
        for path, one in manifest.files.items()
        if one.again or ((path in before.files or not is_hashed(path)) and not one.is_like(before.files.get(path)))
    }
    asked_for = [form for path in sorted({*paths, manifest.index}) for form in _forms(path)]
    if len(asked_for) > _MOST or any("*" in path for path in asked_for):  # a star would mean more than itself
        return _ALL
    return tuple(dict.fromkeys(asked_for))


def _forms(path: str) -> list[str]:
    """How a browser may ask for it: a folder by its index; Korean as it is stored and as keyboards write it."""
    folder = path[: -len("index.html")] if path.rpartition("/")[2] == "index.html" else ""
    ways = [path, *([folder] if path == f"{folder}index.html" else ()), *([folder[:-1]] if len(folder) > 1 else ())]
    if path == "index.html":
        ways = [path, ""]
    return [quote(f"/{form}", safe=_PLAIN) for way in ways for form in dict.fromkeys((way, _nfc(way)))]


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def empty(cloudfront: Any, distribution: str, paths: tuple[str, ...], reference: str) -> str:
    """Have caches ask anew. The same reference with the same paths gives the same invalidation, however often asked."""
    batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}
    try:
        with asked(f"the caches of {distribution} cannot be emptied"):
            said = cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
    except MultigitError as problem:
        problem.state = "the new release serves; caches may hold the one before"
        raise
    return str(said["Invalidation"]["Id"])


def status(cloudfront: Any, distribution: str, invalidation: str) -> str:
    """CloudFront's word: `InProgress` or `Completed`."""
    with asked(f"the invalidation {invalidation} of {distribution} cannot be looked at"):
        said = cloudfront.get_invalidation(DistributionId=distribution, Id=invalidation)
    return str(said["Invalidation"]["Status"])
