"""AWS as moto has it, in this process, for tests that ask it through multigit.clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

REGION = "ap-northeast-2"
_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
}  # fmt: skip


@contextmanager
def aws_cloud() -> Iterator[None]:
    """An empty AWS account; whatever clients were made for it are forgotten afterwards."""
    from moto import mock_aws

    from multigit import clients

    with mock.patch.dict("os.environ", _SETTINGS), mock_aws():
        clients.forget()
        try:
            yield
        finally:
            clients.forget()
