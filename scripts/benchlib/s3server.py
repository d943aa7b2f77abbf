"""A small S3 for the bench: buckets in memory, what two uploaders of sites ask for and nothing else.

moto takes several milliseconds for each call, most of what would be measured. Nothing is signed here, nothing denied.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

_MOST = 1000
"""Keys in one answer to ListObjectsV2."""
_objects: dict[str, tuple[bytes, dict[str, str], datetime, str]] = {}
_names = threading.Lock()
_counts: dict[str, int] = {}
_KEPT = ("content-type", "cache-control")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def handle_expect_100(self) -> bool:
        """Botocore waits a second for it."""
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def do_GET(self) -> None:
        where, question = self._asked("GET")
        if where == "/_counts":
            self._answer(200, repr(_counts).encode())
        elif question.get("list-type"):
            self._answer(200, _listed(where, question).encode(), {"Content-Type": "application/xml"})
        else:
            self._object(where, body=True)

    def do_HEAD(self) -> None:
        self._object(self._asked("HEAD")[0], body=False)

    def do_PUT(self) -> None:
        where, _ = self._asked("PUT")
        body = self._body()
        source = self.headers.get("x-amz-copy-source")
        if source:
            body, given, *_ = _objects["/" + unquote(source).lstrip("/")]
        kept = {name: text for name, text in self.headers.items() if name.lower().startswith("x-amz-meta-")
                or name.lower() in _KEPT}  # fmt: skip
        if source and self.headers.get("x-amz-metadata-directive") != "REPLACE":
            kept = given
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        _objects[where] = (body, kept, datetime.now(UTC).replace(microsecond=0), etag)
        told = f'<CopyObjectResult><ETag>"{etag}"</ETag></CopyObjectResult>' if source else ""
        self._answer(200, told.encode(), {"ETag": f'"{etag}"'})

    def do_POST(self) -> None:
        self._asked("POST")
        self._body()
        self._answer(200, b"<DeleteResult></DeleteResult>")

    def do_DELETE(self) -> None:
        where, _ = self._asked("DELETE")
        for key in [key for key in _objects if key.startswith(where)]:  # the bench empties a bucket so
            del _objects[key]
        _counts.clear()
        self._answer(204, b"")

    def _asked(self, method: str) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        with _names:
            _counts[method] = _counts.get(method, 0) + 1
        return unquote(parts.path), {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _body(self) -> bytes:
        """Whole; botocore's aws-chunked only where it sends trailers."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return _unchunked(body) if "aws-chunked" in self.headers.get("Content-Encoding", "") else body

    def _object(self, where: str, *, body: bool) -> None:
        found = _objects.get(where)
        if found is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>" if body else b"")
            return
        content, kept, moment, etag = found
        more = {**kept, "ETag": f'"{etag}"', "Last-Modified": format_datetime(moment, usegmt=True)}
        self._answer(200, content, more, send=body)

    def _answer(self, status: int, body: bytes, more: dict[str, str] | None = None, *, send: bool = True) -> None:
        self.send_response(status)
        for name, text in (more or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if send:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called there
        pass


def _unchunked(body: bytes) -> bytes:
    out, position = bytearray(), 0
    while True:
        end = body.index(b"\r\n", position)
        size = int(body[position:end].split(b";")[0], 16)
        if not size:
            return bytes(out)
        out += body[end + 2 : end + 2 + size]
        position = end + 4 + size


def _listed(bucket: str, question: dict[str, str]) -> str:
    start = f"{bucket.rstrip('/')}/"
    keys = sorted(key for key in _objects if key.startswith(start + question.get("prefix", "")))
    after = question.get("continuation-token", "")
    rest = [key for key in keys if key > after]
    page = rest[:_MOST]
    more = len(rest) > _MOST
    rows = "".join(_row(key, key[len(start) :]) for key in page)
    token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
    return (f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{rows}</ListBucketResult>")  # fmt: skip


def _row(key: str, shown: str) -> str:
    content, _, moment, etag = _objects[key]
    return (f"<Contents><Key>{escape(quote(shown))}</Key><LastModified>{moment:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>&quot;{etag}&quot;</ETag><Size>{len(content)}</Size></Contents>")  # fmt: skip


def main() -> None:
    """Serve until ended; the port is the first line that is said."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
