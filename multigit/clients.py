"""The one place that makes clients of AWS and puts its errors into words. boto3 is loaded here alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from multigit.errors import MultigitError

_SIGNED_OUT: Final = frozenset((
    "ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthFailure", "InvalidToken", "IncompleteSignature",
))  # fmt: skip
_DENIED: Final = frozenset((
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403", "Forbidden",
    "AuthorizationErrorException",
))  # fmt: skip
_THROTTLED: Final = frozenset((
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
    "SlowDown", "RequestThrottled", "RequestThrottledException", "LimitExceededException.Throttled",
))  # fmt: skip
_made: dict[tuple[str, str, str], Any] = {}
_sessions: dict[tuple[str, str], Any] = {}
_lock = threading.RLock()  # sessions of boto3 are not made for several threads; clients are


class SignedOut(MultigitError):
    """AWS does not know who is asking, or no longer: whatever else is tried fails as well."""

    code = "MG-801"


def aws(service: str, *, region: str | None = None, role: str = "") -> Any:
    """The client of an AWS service, made once. `role`: ARN of a role that is taken first, for an hour.

    Throttled and failing calls are repeated by botocore, at most five attempts. MultigitError without boto3.
    """
    with _lock:
        key = (service, region or "", role)
        if key not in _made:
            session = _sessions.get(key[1:]) or _sessions.setdefault(key[1:], _session(region, role))
            _made[key] = session.client(service, region_name=region, config=_settings())
        return _made[key]


def forget() -> None:
    """Make all clients anew; for tests, whose AWS goes away."""
    with _lock:
        _made.clear()
        _sessions.clear()


def own_region() -> str:
    """The region that this machine's own settings name; '' where they name none."""
    import os

    with asked("the region of this machine's settings"):
        return os.environ.get("AWS_REGION", "") or _boto3().session.Session().region_name or ""


def _boto3() -> Any:
    try:
        import boto3
    except ImportError:
        raise MultigitError("boto3 is not installed", why="this speaks with AWS", code="MG-800",
                            hint="pip install 'multigit-release[aws]'") from None  # fmt: skip
    return boto3


def _settings() -> Any:
    from botocore.config import Config

    return Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=30,
                  max_pool_connections=32)  # fmt: skip  # as many as lanes may ask at once


def _session(region: str | None, role: str) -> Any:
    boto3 = _boto3()
    if not role:
        return _quick_at_dates(boto3.session.Session())
    given = aws("sts", region=region).assume_role(RoleArn=role, RoleSessionName="multigit")["Credentials"]
    taken = boto3.session.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    return _quick_at_dates(taken)


def _quick_at_dates(session: Any) -> Any:
    """Dateutil takes most of the time of a long list: 0.3 ms for each date; ISO 8601 needs 1 µs."""
    from datetime import datetime

    from botocore.utils import parse_timestamp

    def parsed(text: Any) -> Any:
        try:
            return datetime.fromisoformat(text) if str(text).endswith("Z") else parse_timestamp(text)
        except (TypeError, ValueError):
            return parse_timestamp(text)

    session._session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parsed)
    return session


@contextmanager
def asked(what: str) -> Iterator[None]:
    """Whatever AWS or the way to it refuses inside becomes a MultigitError that begins with `what`."""
    try:
        yield
    except Exception as error:
        if isinstance(error, MultigitError) or not _from_aws(error):
            raise
        raise told(error, what) from None


def code_of(error: BaseException) -> str:
    """AWS's own word for an error, such as `NoSuchBucket`; '' where there is none."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""


def told(error: Exception, what: str = "AWS was asked in vain") -> MultigitError:
    """An error of botocore in our words: who is asking, what they may, too often, unreachable, or as AWS says it."""
    code, name = code_of(error), type(error).__name__
    if code in _SIGNED_OUT or name in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError",
                                       "TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError",
                                       "ProfileNotFound"):  # fmt: skip
        why = "the credentials have expired" if "Expired" in code else _said(error)
        return SignedOut(f"{what}: AWS does not know who is asking", why=why, hint="aws sso login   or   aws configure")
    if code in _DENIED:
        return MultigitError(f"{what}: not allowed", why=_said(error), code="MG-802",
                             hint="the rights that are needed: docs/targets.md, docs/infra.md")  # fmt: skip
    if code in _THROTTLED:
        return MultigitError(f"{what}: AWS asks for less", why=f"{code}, after five attempts", code="MG-803",
                             hint="the same command again, in a minute")  # fmt: skip
    if name in ("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError",
                "ProxyConnectionError", "SSLError", "HTTPClientError"):  # fmt: skip
        return MultigitError(f"{what}: AWS cannot be reached", why=_said(error), code="MG-804",
                             hint="look at the network, at AWS_ENDPOINT_URL and at the region")  # fmt: skip
    return MultigitError(what, why=f"{code}: {_said(error)}" if code else _said(error), code="MG-805")


def _said(error: Exception) -> str:
    """What AWS said, on one line: the message without botocore's frame."""
    answer = getattr(error, "response", None)
    message = answer.get("Error", {}).get("Message") if isinstance(answer, dict) else ""
    return " ".join(str(message or str(error) or type(error).__name__).split())


def _from_aws(error: Exception) -> bool:
    return any(kind.__module__.partition(".")[0] in ("botocore", "boto3") for kind in type(error).__mro__)
