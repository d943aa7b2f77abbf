"""S3 buckets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from multigit.clients import code_of
from multigit.errors import MultigitError
from multigit.infra.door import Door, unlisted
from multigit.model.infra.changes import Seen
from multigit.model.infra.wanted import Wanted
from multigit.model.infra.words import BLOCKED

AFTER: Final = ("public", "versioning", "encryption", "website", "tags")
_NOT_SET: Final = frozenset((
    "NoSuchTagSet", "NoSuchWebsiteConfiguration", "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
))  # fmt: skip


def observe(door: Door, one: Wanted) -> Seen:
    """Each setting is a question of its own, and "not set" an error."""
    s3 = door.aws("s3")
    try:
        s3.head_bucket(Bucket=one.name)
        place = s3.get_bucket_location(Bucket=one.name).get("LocationConstraint") or "us-east-1"
    except s3.exceptions.ClientError as error:
        if code_of(error) in ("404", "NoSuchBucket"):
            return Seen(there=False)
        if code_of(error) == "403":
            raise MultigitError("it belongs to another account, or may not be looked at", code="MG-802",
                                hint="names of buckets are taken world-wide: name it otherwise") from None  # fmt: skip
        raise
    if place != door.infra.region:
        raise MultigitError(f"it lies in {place}", hint="a bucket cannot be moved: name it otherwise")
    return Seen(there=True, aspects=_aspects(s3, one.name), tags=_tags(s3, one.name))


def create(door: Door, one: Wanted) -> None:
    """With its tags in the same call; everything else is a call of its own."""
    given: dict[str, Any] = {"Tags": door.listed()}
    if door.infra.region != "us-east-1":  # there it must not be said
        given["LocationConstraint"] = door.infra.region
    door.aws("s3").create_bucket(Bucket=one.name, CreateBucketConfiguration=given)


def mend(door: Door, one: Wanted, aspects: Sequence[str]) -> None:
    """First of all the block on public access."""
    s3, want = door.aws("s3"), one.aspects
    if "tags" in aspects and not door.tags.items() <= _tags(s3, one.name).items():
        adopt(door, one)
    if "public" in aspects:
        s3.put_public_access_block(Bucket=one.name, PublicAccessBlockConfiguration=BLOCKED)
    if "encryption" in aspects:
        rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": want["encryption"]}, "BucketKeyEnabled": True}]
        s3.put_bucket_encryption(Bucket=one.name, ServerSideEncryptionConfiguration={"Rules": rules})
    if "versioning" in aspects:
        status = "Enabled" if want["versioning"] else "Suspended"
        s3.put_bucket_versioning(Bucket=one.name, VersioningConfiguration={"Status": status})
    if "website" in aspects:
        _set_website(s3, one.name, want["website"])


def adopt(door: Door, one: Wanted) -> None:
    """S3 replaces all tags at once, so the others are sent again."""
    s3 = door.aws("s3")
    tags = [{"Key": key, "Value": value} for key, value in {**_tags(s3, one.name), **door.tags}.items()]
    s3.put_bucket_tagging(Bucket=one.name, Tagging={"TagSet": tags})


def forgotten(name: str) -> str:
    """Fails while objects are in it."""
    return f"aws s3 rb s3://{name}"


def _aspects(s3: Any, name: str) -> dict[str, Any]:
    block = _or_none(lambda: s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]) or {}
    crypt = _or_none(lambda: s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]) or [
        {}
    ]
    site = _or_none(lambda: s3.get_bucket_website(Bucket=name))
    return {
        "public": "blocked" if all(block.get(key) for key in BLOCKED) else "possible",
        "versioning": s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
        "encryption": crypt[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm"),
        "website": _website(site) if site else None,
    }


def _website(site: dict[str, Any]) -> dict[str, str]:
    found = {
        "index": site.get("IndexDocument", {}).get("Suffix", ""),
        "error": site.get("ErrorDocument", {}).get("Key", ""),
    }
    others = sorted(key for key in ("RedirectAllRequestsTo", "RoutingRules") if site.get(key))
    return {**found, **({"others": ", ".join(others)} if others else {})}


def _set_website(s3: Any, name: str, website: dict[str, str] | None) -> None:
    if website is None:
        s3.delete_bucket_website(Bucket=name)  # a setting, not a thing: no object goes with it
        return
    settings = {"IndexDocument": {"Suffix": website["index"]}, "ErrorDocument": {"Key": website["error"]}}
    s3.put_bucket_website(Bucket=name, WebsiteConfiguration=settings)


def _tags(s3: Any, name: str) -> dict[str, str]:
    return unlisted(_or_none(lambda: s3.get_bucket_tagging(Bucket=name)["TagSet"]) or [])


def _or_none(question: Callable[[], Any]) -> Any:
    """The answer, or None where that was never set."""
    try:
        return question()
    except Exception as error:
        if code_of(error) in _NOT_SET:
            return None
        raise
