"""One bucket, or one folder of it: every call that a site needs. Not a target.

Paths are relative to the prefix. The account is named with each call where repos.yaml names it, so that a bucket of
the same name in other hands is never written to.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from multigit.clients import asked, code_of
from multigit.errors import MultigitError
from multigit.lanes import each
from multigit.targets._s3.files import PART, etag_of
from multigit.targets._s3.manifest import Entry

PRIVATE: Final = "private, no-store"
_AT_ONCE: Final = 1000
"""Keys that one DeleteObjects may have."""
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion"})


def changed(path: str) -> MultigitError:
    """What was read is not what is sent."""
    return MultigitError(f"{path} changed while it was being uploaded", why="something still builds into `source`",
                         code="MG-834")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Object:
    """What a list says of one object."""

    etag: str
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """What S3 says of the index: `release` and `commit` where multigit, or the workflow, named them."""

    etag: str
    version: str
    modified: datetime
    now: datetime
    """S3's own clock."""
    release: str
    root: str
    commit: str


@dataclass(frozen=True, slots=True)
class Place:
    """`prefix` is empty or ends with a slash; `owner` is an account or empty."""

    s3: Any
    bucket: str
    prefix: str = ""
    owner: str = ""

    def look(self) -> dict[str, Object]:
        """All objects by path: one call for a thousand."""
        pages = self.s3.get_paginator("list_objects_v2")
        with asked(f"s3://{self.bucket}/{self.prefix} cannot be listed"):
            return {
                one["Key"][len(self.prefix) :]: Object(one["ETag"].strip('"'), one["Size"], one["LastModified"])
                for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix, **self._owned())
                for one in page.get("Contents", ())
            }

    def check(self) -> None:
        """MultigitError where there is no such bucket: for a missing object S3 says no more than for that."""
        with asked(f"s3://{self.bucket}/{self.prefix} cannot be listed"):
            self.s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1, **self._owned())

    def head(self, path: str) -> Head | None:
        """None where there is no such object. A bucket that is not there is told apart by whoever lists it."""
        from email.utils import parsedate_to_datetime

        with asked(f"{self.url(path)} cannot be looked at"):
            try:
                said = self.s3.head_object(**self._at(path))
            except Exception as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
        given = said.get("Metadata", {})
        date = said["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(date) if date else said["LastModified"]
        commit = given.get("multigit-commit") or given.get("commit", "")
        return Head(said["ETag"].strip('"'), said.get("VersionId", ""), said["LastModified"], now,
                    given.get("multigit-release", ""), given.get("multigit-root", ""), commit)  # fmt: skip

    def get(self, path: str) -> bytes | None:
        """The content; None where there is none."""
        with asked(f"{self.url(path)} cannot be read"):
            try:
                return bytes(self.s3.get_object(**self._at(path))["Body"].read())
            except Exception as error:
                if code_of(error) in _ABSENT:
                    return None
                raise

    def put(self, path: str, body: bytes, entry: Entry, **more: Any) -> str:
        """Send it whole; S3 compares the checksum. The ETag."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        with asked(f"{self.url(path)} cannot be written"):
            said = self.s3.put_object(**self._at(path), Body=body, ContentType=entry.type, CacheControl=entry.cache,
                                      ChecksumSHA256=digest, **more)  # fmt: skip
        return str(said["ETag"]).strip('"')

    def note(self, path: str, body: bytes) -> None:
        """One of multigit's own records."""
        self.put(path, body, Entry(sha256="", etag="", size=len(body), type="application/json", cache=PRIVATE))

    def send_parts(self, path: str, place: Path, entry: Entry, lanes: int) -> str:
        """Send a large file in parts; what an earlier try left of it is removed, and so is this one if it fails."""
        with asked(f"{self.url(path)} cannot be written"):
            self._forget_parts(path)
            upload = self.s3.create_multipart_upload(**self._at(path), ContentType=entry.type, CacheControl=entry.cache)
            words = {**self._at(path), "UploadId": upload["UploadId"]}
            try:
                numbers = range(1, -(-entry.size // PART) + 1)
                sums = each(lambda number: self._send_part(words, place, number), numbers, lanes)
                if etag_of([md5 for md5, _ in sums]) != entry.etag:
                    raise changed(path)
                parts = [{"PartNumber": number, "ETag": etag} for number, (_, etag) in zip(numbers, sums, strict=True)]
                said = self.s3.complete_multipart_upload(**words, MultipartUpload={"Parts": parts})
            except Exception:
                self.s3.abort_multipart_upload(**words)
                raise
        return str(said["ETag"]).strip('"')

    def _send_part(self, words: Mapping[str, Any], place: Path, number: int) -> tuple[bytes, str]:
        with place.open("rb") as file:
            file.seek((number - 1) * PART)
            body = file.read(PART)
        md5 = hashlib.md5(body, usedforsecurity=False).digest()
        said = self.s3.upload_part(**words, PartNumber=number, Body=body, ContentMD5=base64.b64encode(md5).decode())
        return md5, str(said["ETag"])

    def _forget_parts(self, path: str) -> None:
        key = self.prefix + path
        left = self.s3.list_multipart_uploads(Bucket=self.bucket, Prefix=key, **self._owned()).get("Uploads", ())
        for one in left:
            if one["Key"] == key:
                self.s3.abort_multipart_upload(**self._at(path), UploadId=one["UploadId"])

    def copy(self, source: str, path: str, entry: Entry | None = None, version: str = "") -> str:
        """Within the bucket, without its bytes coming here; with what `entry` says, or as the source is. The ETag."""
        origin = {"Bucket": self.bucket, "Key": self.prefix + source, **({"VersionId": version} if version else {})}
        words = {} if entry is None else {"MetadataDirective": "REPLACE", "ContentType": entry.type,
                                          "CacheControl": entry.cache}  # fmt: skip
        owner = {"ExpectedSourceBucketOwner": self.owner} if self.owner else {}
        with asked(f"{self.url(source)} cannot be copied to {path}"):
            said = self.s3.copy_object(**self._at(path), CopySource=origin, **words, **owner)
        return str(said["CopyObjectResult"]["ETag"]).strip('"')

    def remove(self, paths: Iterable[str]) -> None:
        """A thousand at a time. MultigitError names one that could not be."""
        left = sorted(paths)
        for start in range(0, len(left), _AT_ONCE):
            keys = [{"Key": self.prefix + path} for path in left[start : start + _AT_ONCE]]
            with asked(f"old files of s3://{self.bucket}/{self.prefix} cannot be removed"):
                said = self.s3.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True}, **self._owned()
                )
            if wrong := said.get("Errors"):
                one = wrong[0]
                raise MultigitError(f"{len(wrong)} old files of s3://{self.bucket} cannot be removed", code="MG-833",
                                    why=f"{one.get('Key')}: {one.get('Message') or one.get('Code')}")  # fmt: skip

    def url(self, path: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}{path}"

    def words(self) -> dict[str, Any]:
        """For calls about the bucket that are made elsewhere."""
        return {"Bucket": self.bucket, "Prefix": self.prefix, **self._owned()}

    def _at(self, path: str) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.prefix + path, **self._owned()}

    def _owned(self) -> dict[str, str]:
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}
