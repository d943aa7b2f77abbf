"""A built site to a bucket: multigit's target `s3-site` against `aws s3 sync`, on a small S3 of the bench's own.

Ours is the target by itself (look, upload, follow), without CloudFront on either side. `aws s3 sync` compares size and
time; ours reads every file and compares its content, sends each with what it may be cached for, writes a manifest, and
puts the index last.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchlib import table
from benchlib.contestants import OURS
from benchlib.facts import facts, place
from benchlib.installing import Source, find, version
from benchlib.measure import timed
from benchlib.races import Race

AWS = Source("pip", "awscli", "aws")
_RIVAL = "aws s3 sync"
_HERE = Path(__file__).resolve().parent
_SIZE = 20_000
"""Bytes of a file, on average: what bundlers make of an application."""


def site(options: argparse.Namespace) -> dict[str, Any]:
    """One profile: what was found, and as text. RuntimeError where `aws` is missing."""
    program = find(AWS)
    if program is None:
        raise RuntimeError("aws is not installed: scripts/bench --install-peers")
    files, began = 200 if options.quick else 2000, time.monotonic()
    known = facts(options, "path") | {"profile": "site", "transport": "http", "files": files}
    with tempfile.TemporaryDirectory(prefix="mg-bench-", dir=place()) as folder, _server() as address:
        base = Path(folder)
        _build(base / "clone" / "dist", files)
        races = _raced(base, address, program, options.rounds)
    rows = table.rows(races)
    known |= {"seconds_in_all": round(time.monotonic() - began), "rows": rows, "notes": _notes(program)}
    top = ("{files} files, {rounds} rounds, against a small S3 on loopback, no distance.\n{date}. Python {python}, "
           "{machine}, load {load} before, files in {place}; {seconds_in_all} s.\nMedians; two numbers are multigit / "
           "the other; lowest-highest is the ratio's range.").format(**known)  # fmt: skip
    return known | {"text": table.text([top], rows, known["notes"])}


def _raced(base: Path, address: str, program: Path, rounds: int) -> list[Race]:
    races = [Race("site, cold"), Race("site, unchanged"), Race("site, built anew, same content"),
             Race("site, one in ten changed")]  # fmt: skip
    prepare = {2: _touch, 3: _change}
    environment = _environment(base, address)
    dist = base / "clone" / "dist"
    rivals = {OURS: [sys.executable, str(_HERE / "siteours.py"), str(base)],
              _RIVAL: [str(program), "s3", "sync", str(dist), "s3://theirs", "--only-show-errors"]}  # fmt: skip
    for number in range(rounds):
        order = list(rivals) if number % 2 else [*reversed(rivals)]
        for bucket in ("ours", "theirs"):
            _ask(f"{address}/{bucket}/", "DELETE")
        for step, race in enumerate(races):
            prepare.get(step, lambda dist, number: None)(dist, number)
            for name in order:
                words = [*rivals[name], f"{number}-{step}"] if name == OURS else rivals[name]
                race.of(name).times.append(timed(words, base, environment))
            _judge(dist, address)
    return races


def _judge(dist: Path, address: str) -> None:
    """Both buckets hold every file; of ten their content is compared."""
    files = sorted(str(path.relative_to(dist)) for path in dist.rglob("*") if path.is_file())
    for bucket in ("ours", "theirs"):
        for path in (*files[:: max(1, len(files) // 10)], "index.html"):
            if _ask(f"{address}/{bucket}/{path}", "GET") != (dist / path).read_bytes():
                raise RuntimeError(f"{path} is not what it should be in {bucket}")


def _build(dist: Path, files: int) -> None:
    for number in range(files - 1):
        file = dist / "assets" / str(number % 20) / f"part-{number:07d}a.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(16) * (_SIZE // 16 * (1 + number % 3) // 2))
    (dist / "index.html").write_text("<html></html>")


def _touch(dist: Path, number: int) -> None:  # noqa: ARG001 - asked like the other
    """What a build on another machine leaves: the same content, another time; seconds count for `aws s3 sync`."""
    moment = time.time() + 5
    for file in dist.rglob("*.*"):
        os.utime(file, (moment, moment))


def _change(dist: Path, number: int) -> None:
    """One in ten has other content and so another name, as bundlers do it, and the page another text."""
    for file in sorted(dist.rglob("*.js"))[::10]:
        file.write_bytes(file.read_bytes() + str(number).encode())
        file.rename(file.with_name(f"part-{abs(hash((number, file.name))) % 10**8:08d}a.js"))
    (dist / "index.html").write_text(f"<html>{number}, of another length{' ' * number}</html>")


def _environment(base: Path, address: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": str(base), "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "ap-northeast-2", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": address,
        "PYTHONPATH": str(_HERE.parent.parent), "PYENV_VERSION": os.environ.get("PYENV_VERSION", ""),
        **{name: os.environ[name] for name in ("PYENV_ROOT", "LANG") if name in os.environ},
    }  # fmt: skip


@contextmanager
def _server() -> Iterator[str]:
    child = subprocess.Popen([sys.executable, str(_HERE / "s3server.py")], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.kill()
        child.wait()


def _ask(address: str, method: str) -> bytes:
    request = urllib.request.Request(address, method=method)
    with urllib.request.urlopen(request, timeout=30) as said:
        return bytes(said.read())


def _notes(program: Path) -> Sequence[str]:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    named = version(AWS) or (told[0].removeprefix("aws-cli/") if told else "")
    return [f"aws is awscli {named}; it compares size and time, multigit the content of every file."]
