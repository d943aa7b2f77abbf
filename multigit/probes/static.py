"""A site in an S3 bucket behind CloudFront: whether its files can be read, and whether they are those of today.

deploy: {default: {s3: {bucket: "gli-user-frontend-{long}", cdn: "{site}"}, doctor: {cors: ["https://{pre}admin.glibiz.com"]}}}
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import urlsplit

from multigit.fetching import Page, Unwell, fetched
from multigit.model.health import Finding
from multigit.model.probing import Patient
from multigit.model.template import render
from multigit.probes import Eye, guarded, one_line
from multigit.probes._policy import CLOUDFRONT, allowing, lets, policy, statements

_INDEX: Final = "index.html"
_LIMIT: Final = 15.0
"""Seconds for a page."""
_WEBSITE: Final = ".s3-website"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdn:
    """The distribution in front of the bucket; what is empty is not known."""

    id: str = ""
    arn: str = ""
    origin: Mapping[str, Any] | None = None
    """The origin that is the bucket."""

    @property
    def by_website(self) -> bool:
        """Whether it asks the bucket's website, as anybody could."""
        return bool(self.origin) and _WEBSITE in str((self.origin or {}).get("DomainName", ""))


def probe(patient: Patient, eye: Eye) -> Iterator[Finding]:
    """Bucket, distribution, who may read, website, CORS, and whether the cache is stale."""
    if not patient.s3 or not eye.account_known:
        return
    bucket, cdns, index = patient.s3["bucket"], list[Cdn](), list[str]()
    there: list[str] = []
    yield from guarded(patient, "bucket", lambda: _bucket(patient, eye, bucket, there))
    if not there:
        return
    yield from guarded(patient, "index", lambda: _index(patient, eye, bucket, index))
    if patient.s3.get("cdn"):
        yield from guarded(patient, "cdn", lambda: _distribution(patient, eye, bucket, cdns))
    cdn = cdns[0] if cdns else Cdn()
    if cdns or not patient.s3.get("cdn"):
        yield from guarded(patient, "policy", lambda: _readable(patient, eye, bucket, cdn))
        yield from guarded(patient, "website", lambda: _website(patient, eye, bucket, cdn))
    if patient.doctor.cors:
        yield from guarded(patient, "cors", lambda: _cors(patient, eye, bucket))
    if index and index[0]:
        yield _stale(patient, cdn, index[0])


def _bucket(patient: Patient, eye: Eye, bucket: str, there: list[str]) -> Iterator[Finding]:
    if eye.aws(patient, "s3", "head_bucket", ("404", "NoSuchBucket"), Bucket=bucket) is None:
        make = f"aws s3 mb s3://{bucket}" + (f" --region {patient.region}" if patient.region else "")
        fixes = ["multigit infra apply"] if patient.config.infra else [make]
        yield patient.told("bucket", "ng", f"there is no bucket {bucket}", *fixes)
        return
    there.append(bucket)
    yield patient.told("bucket", "ok", f"{bucket} is there")


def _key(patient: Patient) -> str:
    """The front page, where the target has put it."""
    prefix = patient.s3.get("prefix", "").strip("/")
    return f"{prefix}/{patient.s3.get('index', _INDEX)}".lstrip("/")


def _index(patient: Patient, eye: Eye, bucket: str, found: list[str]) -> Iterator[Finding]:
    """Whether a site was brought there; its ETag goes into `found`."""
    head = eye.aws(patient, "s3", "head_object", ("404", "NoSuchKey"), Bucket=bucket, Key=_key(patient))
    if head is None:
        bring = f"aws s3 sync dist/ s3://{bucket} --delete   (the build of {patient.branch})"
        yield patient.told("index", "ng", f"{bucket} has no {_key(patient)}: nothing was brought there", bring)
        return
    found.append(str(head["ETag"]))
    yield patient.told("index", "ok", f"{_INDEX} of {head['LastModified']:%Y-%m-%d %H:%M} UTC")


def _distribution(patient: Patient, eye: Eye, bucket: str, found: list[Cdn]) -> Iterator[Finding]:
    """The distribution with the alias; where none has it, the one that reads the bucket."""
    alias, all_ = patient.s3["cdn"], _distributions(patient, eye)
    by_alias = next((one for one in all_ if alias in (*_items(one, "Aliases"), one["Id"], one.get("DomainName"))), None)
    by_origin = next((one for one in all_ if _origin(one, bucket)), None)
    one = by_alias or by_origin
    if one is None:
        why = f"no CloudFront distribution has the alias {alias} or reads {bucket}"
        yield patient.told("cdn", "ng", why, "aws cloudfront list-distributions --query "
                           "'DistributionList.Items[].[Id,Aliases.Items,Origins.Items[].DomainName]'")  # fmt: skip
        return
    id_ = str(one["Id"])
    found.append(Cdn(id=id_, arn=str(one["ARN"]), origin=_origin(one, bucket)))
    config = f"aws cloudfront get-distribution-config --id {id_}"
    if by_alias is None:
        why = f"{id_} reads {bucket}, and does not have the alias {alias}"
        yield patient.told(
            "cdn", "ng", why, f"{config}   (add it to Aliases, with a certificate, then update-distribution)"
        )
    elif not one["Enabled"]:
        yield patient.told(
            "cdn", "ng", f"{id_} of {alias} is disabled", f"{config}   (Enabled: true, then update-distribution)"
        )
    elif not found[0].origin:
        origins = ", ".join(str(origin["DomainName"]) for origin in one["Origins"]["Items"])
        why = f"{id_} of {alias} reads {origins}, not {bucket}"
        yield patient.told("cdn", "ng", why, f"{config}   (mend its origin, then update-distribution)")
    elif one.get("Status") != "Deployed":
        wait = f"aws cloudfront wait distribution-deployed --id {id_}"
        yield patient.told("cdn", "warn", f"{id_} of {alias} is {one.get('Status')}: not everywhere yet", wait)
    else:
        yield patient.told("cdn", "ok", f"{id_} has the alias {alias} and reads {bucket}; enabled and deployed")


def _distributions(patient: Patient, eye: Eye) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    marker: dict[str, str] = {}
    while True:
        page = eye.aws(patient, "cloudfront", "list_distributions", **marker).get("DistributionList", {})
        found += page.get("Items", ())
        if not page.get("IsTruncated") or not page.get("NextMarker"):
            return found
        marker = {"Marker": page["NextMarker"]}


def _items(one: Mapping[str, Any], key: str) -> Sequence[Any]:
    items: Sequence[Any] = (one.get(key) or {}).get("Items") or ()
    return items


def _origin(one: Mapping[str, Any], bucket: str) -> Mapping[str, Any] | None:
    """The origin that is the bucket, by its own name or as a website."""
    starts = (f"{bucket}.s3.", f"{bucket}.s3-")
    return next((origin for origin in _items(one, "Origins") if str(origin["DomainName"]).startswith(starts)), None)


def _readable(patient: Patient, eye: Eye, bucket: str, cdn: Cdn) -> Iterator[Finding]:
    """Whether those who have to may read index.html: the distribution, or everybody."""
    said = eye.aws(patient, "s3", "get_bucket_policy", ("NoSuchBucketPolicy",), Bucket=bucket)
    rules, key = statements(said["Policy"] if said else ""), f"arn:aws:s3:::{bucket}/{_key(patient)}"
    who, source, words = _reader(cdn)
    if not lets(rules, key, who=who, source=source):
        text = policy([*rules, allowing(bucket, who=who, source=source)])
        fix = f"aws s3api put-bucket-policy --bucket {bucket} --policy {shlex.quote(text)}"
        refused = any(one.get("Effect") == "Deny" for one in rules)
        why = f"the bucket policy does not let {words} read {_INDEX}" + (" (look at its Deny, too)" if refused else "")
        yield patient.told("policy", "ng", why, *_unblocking(patient, eye, bucket, who), fix)
        return
    if who == "*" and (fixes := _unblocking(patient, eye, bucket, who)):
        why = "the bucket policy lets everybody read, and the public access block takes it back"
        yield patient.told("policy", "ng", why, *fixes)
        return
    yield patient.told("policy", "ok", f"the bucket policy lets {words} read {_INDEX}")


def _reader(cdn: Cdn) -> tuple[str, str, str]:
    """Who has to read the bucket: principal, distribution where it is named, and words for people."""
    origin = cdn.origin or {}
    if cdn.origin and not cdn.by_website and origin.get("OriginAccessControlId"):
        return CLOUDFRONT, cdn.arn, f"the distribution {cdn.id}"
    identity = str((origin.get("S3OriginConfig") or {}).get("OriginAccessIdentity") or "").rpartition("/")[2]
    if identity:
        arn = f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {identity}"
        return arn, "", f"the origin access identity {identity}"
    return "*", "", "everybody"


def _unblocking(patient: Patient, eye: Eye, bucket: str, who: str) -> Sequence[str]:
    """The command that lets a public policy count; nothing where it counts, or is not wanted."""
    if who != "*":
        return ()
    said = eye.aws(patient, "s3", "get_public_access_block", ("NoSuchPublicAccessBlockConfiguration",), Bucket=bucket)
    block = said["PublicAccessBlockConfiguration"] if said else {}
    if not block.get("RestrictPublicBuckets") and not block.get("BlockPublicPolicy"):
        return ()
    off = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=false"
    return (f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration {off}",)


def _website(patient: Patient, eye: Eye, bucket: str, cdn: Cdn) -> Iterator[Finding]:
    """What answers for `/`: the bucket's website, or the distribution's default root object."""
    if cdn.origin and not cdn.by_website:
        config = eye.aws(patient, "cloudfront", "get_distribution_config", Id=cdn.id)["DistributionConfig"]
        if root := config.get("DefaultRootObject"):
            yield patient.told("website", "ok", f"/ is {root}, by the distribution")
        else:
            fix = f"aws cloudfront update-distribution --id {cdn.id} --default-root-object {_INDEX}"
            yield patient.told("website", "ng", f"{cdn.id} has no default root object: / is refused", fix)
        return
    said = eye.aws(patient, "s3", "get_bucket_website", ("NoSuchWebsiteConfiguration",), Bucket=bucket)
    if said is None:
        fix = f"aws s3 website s3://{bucket} --index-document {_INDEX} --error-document {_INDEX}"
        yield patient.told("website", "ng", f"{bucket} is not set up as a website: / is refused", fix)
        return
    index = (said.get("IndexDocument") or {}).get("Suffix", "another address")
    yield patient.told("website", "ok", f"/ is {index}, by the bucket's website")


def _cors(patient: Patient, eye: Eye, bucket: str) -> Iterator[Finding]:
    """Whether pages of other origins may fetch files: by the bucket's rules, and by what is answered."""
    said = eye.aws(patient, "s3", "get_bucket_cors", ("NoSuchCORSConfiguration",), Bucket=bucket)
    rules = [*said["CORSRules"]] if said else []
    missing = [origin for origin in patient.doctor.cors if not any(_lets_origin(rule, origin) for rule in rules)]
    if missing:
        wanted = {
            "AllowedOrigins": missing,
            "AllowedMethods": ["GET", "HEAD"],
            "AllowedHeaders": ["*"],
            "MaxAgeSeconds": 3600,
        }
        text = json.dumps({"CORSRules": [*rules, wanted]}, separators=(",", ":"))
        fix = f"aws s3api put-bucket-cors --bucket {bucket} --cors-configuration {shlex.quote(text)}"
        yield patient.told("cors", "ng", f"{bucket} does not let pages of {', '.join(missing)} fetch its files", fix)
        return
    origin = patient.doctor.cors[0]
    page = _page(patient, {"Origin": origin})
    if isinstance(page, Page) and page.headers.get("access-control-allow-origin", "") not in (origin, "*"):
        why = f"the bucket lets {origin} in, and {page.url} does not say so: the CDN keeps the Origin to itself"
        yield patient.told("cors", "warn", why, "aws cloudfront list-origin-request-policies --type managed   "
                           "(CORS-S3Origin, in the cache behaviour; then invalidate)")  # fmt: skip
        return
    yield patient.told("cors", "ok", f"pages of {', '.join(patient.doctor.cors)} may fetch")


def _lets_origin(rule: Mapping[str, Any], origin: str) -> bool:
    return "GET" in rule["AllowedMethods"] and any(fnmatchcase(origin, one) for one in rule["AllowedOrigins"])


def _stale(patient: Patient, cdn: Cdn, etag: str) -> Finding:
    """Whether people are served the index that is in the bucket."""
    page = _page(patient, {})
    if not isinstance(page, Page):
        again = f"multigit verify {patient.env.name} -r {patient.repo.name}"
        return patient.told("cache", "warn", f"the site was not asked: {page}", again)
    if page.status != 200:
        return patient.told("cache", "ng", f"{page.url} answers {page.status}", f"curl -sI {shlex.quote(page.url)}")
    if _same(page, etag):
        return patient.told("cache", "ok", f"{page.url} serves the index of the bucket")
    age, by = page.headers.get("age", ""), page.headers.get("x-cache", "")
    seen = ", ".join(filter(None, (f"age {age} s" if age else "", one_line(by))))
    why = f"{page.url} serves an older index than the bucket has" + (f" ({seen})" if seen else "")
    if cdn.id:
        again = f"aws cloudfront create-invalidation --distribution-id {cdn.id} --paths '/*'"
        return patient.told("cache", "ng", f"{why}: the cache is stale", again)
    return patient.told("cache", "ng", f"{why}, or its name leads elsewhere", f"curl -sI {shlex.quote(page.url)}")


def _same(page: Page, etag: str) -> bool:
    """By its ETag, which compression makes weak; without one, by its content, where the bucket's ETag is its MD5."""
    wanted, said = etag.strip('"'), page.headers.get("etag", "").removeprefix("W/").strip('"')
    return said == wanted or hashlib.md5(page.body, usedforsecurity=False).hexdigest() == wanted


def _page(patient: Patient, headers: Mapping[str, str]) -> Page | str:
    """The front page that people see, or why there is none."""
    named = next((str(check.settings.get("url", "")) for check in patient.checks if check.kind == "http"), "")
    try:
        parts = urlsplit(render(named, patient.words()))
        url = f"{parts.scheme}://{parts.netloc}/" if named else f"https://{patient.s3.get('cdn', '')}/"
        return fetched(url, _LIMIT, headers=headers)
    except (Unwell, ValueError) as no:
        return str(no)
