"""The checks `image-exists`, `cloudwatch-alarm` and `cloudwatch-metric`, through boto3, against moto."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from multigit import checks, clients
from multigit.clients import aws
from multigit.configfile import ConfigError
from multigit.model.config import Gate
from multigit.model.verdict import GateResult, Verdict
from multigit.ui.gates import gate_lines
from tests.support.asking import NOON, asked, config
from tests.support.awscloud import aws_cloud
from tests.support.subjects import subject

pytestmark = pytest.mark.slow
INDEX = "application/vnd.oci.image.index.v1+json"
SINGLE = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(autouse=True)
def cloud() -> Iterator[None]:
    with aws_cloud():
        yield


# --- image-exists ---


def pushed(tag: str, manifest: dict[str, Any], digest: str) -> str:
    """An image in `gli-api-staging`, as `docker push` leaves it."""
    aws("ecr").put_image(repositoryName="gli-api-staging", imageTag=tag, imageManifest=json.dumps(manifest),
                         imageManifestMediaType=manifest["mediaType"], imageDigest=digest)  # fmt: skip
    return digest


def single(number: int) -> dict[str, Any]:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": f"sha256:{number:064x}", "size": 1}
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{number + 1:064x}", "size": 1}
    return {"schemaVersion": 2, "mediaType": SINGLE, "config": config, "layers": [layer]}


def index(*parts: tuple[str, str, str]) -> dict[str, Any]:
    """Architecture, variant and digest of each part."""
    named = [{"mediaType": SINGLE, "size": 1, "digest": digest,
              "platform": {"os": "linux", "architecture": name, **({"variant": variant} if variant else {})}}
             for name, variant, digest in parts]  # fmt: skip
    unknown = {"mediaType": SINGLE, "size": 1, "digest": "sha256:" + "e" * 64,
               "platform": {"os": "unknown", "architecture": "unknown"}}  # fmt: skip  # an attestation of buildx
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*named, unknown]}


@pytest.fixture
def repository() -> str:
    aws("ecr").create_repository(repositoryName="gli-api-staging")
    return "gli-api-{long}"


def test_an_image_that_is_there_is_named_with_its_digest(repository: str) -> None:
    digest = pushed("abababab", single(1), "sha256:" + "1" * 64)
    said = asked("image-exists", repository=repository, tag="{sha:8}")
    assert (said.state, said.why) == ("pass", f"gli-api-staging:abababab is there: {digest}")
    assert asked("image-exists", repository=repository, digest=digest).state == "pass"
    moved = asked("image-exists", repository=repository, tag="{sha:8}", digest="sha256:" + "2" * 64)
    assert moved.state == "fail"


def test_what_is_not_there_is_told_apart(repository: str) -> None:
    assert "not found" in asked("image-exists", repository=repository, tag="nope").why
    assert "there is no repository other" in asked("image-exists", repository="other", tag="x").why


def test_an_index_must_name_every_processor_and_what_it_names_must_be_there(repository: str) -> None:
    amd, arm = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    pushed("1-amd64", single(1), amd)
    pushed("one", index(("amd64", "", amd)), "sha256:" + "3" * 64)
    pushed("half", index(("amd64", "", amd), ("arm64", "v8", arm)), "sha256:" + "4" * 64)
    both: dict[str, Any] = {"repository": repository, "architectures": ["amd64", "arm64"]}
    lacking = asked("image-exists", tag="one", **both)
    assert (lacking.state, "and has nothing for arm64" in lacking.why) == ("fail", True)
    half = asked("image-exists", tag="half", **both)
    assert (half.state, "what it names for arm64 is not there" in half.why) == ("fail", True)
    pushed("1-arm64", single(3), arm)
    whole = asked("image-exists", tag="half", **both)
    assert (whole.state, whole.why.endswith(f"sha256:{'4' * 64}, for amd64 and arm64")) == ("pass", True)
    assert "architectures needs an index" in asked("image-exists", tag="1-amd64", **both).why


# --- cloudwatch-alarm ---


def alarm(name: str, state: str, reason: str = "Threshold Crossed: 1 datapoint [9.0] was greater than 5.0") -> None:
    watch = aws("cloudwatch")
    watch.put_metric_alarm(AlarmName=name, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1,
                           MetricName="5xx", Namespace="GLI", Period=60, Statistic="Sum", Threshold=5)  # fmt: skip
    watch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)


@pytest.mark.shows("G16")
def test_alarms_that_are_quiet_are_well_and_one_that_rings_is_named_with_its_reason() -> None:
    alarm("staging-api-5xx", "OK")
    alarm("staging-api-slow", "OK")
    alarm("production-api-5xx", "ALARM")
    names = ["{long}-api-5xx", "{long}-api-slow"]
    said = asked("cloudwatch-alarm", names=names)
    assert (said.state, said.why) == ("pass", "2 alarms are quiet: staging-api-5xx, staging-api-slow")
    alarm("staging-api-slow", "ALARM", "p99 of 2.1 s\n was greater \x1b[2Jthan 0.8 s")
    for settings in ({"names": names}, {"prefix": "{long}-"}):
        said = asked("cloudwatch-alarm", **settings)
        assert said.state == "fail"
        assert "1 of 2 alarms in ALARM: staging-api-slow, p99 of 2.1 s was greater" in said.why
    gate = Gate(name="quiet", kind="cloudwatch-alarm", settings={})
    shown = "\n".join(gate_lines([GateResult(gate=gate, verdict=said)], 100))
    assert "\x1b" not in shown
    assert "\\x1b[2Jthan" in shown


def test_an_alarm_that_does_not_exist_is_never_quiet() -> None:
    alarm("staging-api-5xx", "OK")
    said = asked("cloudwatch-alarm", names=["staging-api-5xx", "staging-api-5xxx"])
    assert (said.state, said.why) == ("fail", "there is no alarm staging-api-5xxx")
    assert asked("cloudwatch-alarm", prefix="prod-").why == "no alarm begins with prod-"


@pytest.mark.parametrize("unknown", ["pass", "wait", "fail"])
def test_an_alarm_without_data_means_what_the_file_says(unknown: str) -> None:
    alarm("a", "INSUFFICIENT_DATA", "no datapoints")
    assert asked("cloudwatch-alarm", names=["a"], unknown=unknown).state == unknown
    assert asked("cloudwatch-alarm", names=["a"]).state == "wait"


def test_more_names_are_asked_for_than_one_question_may_have() -> None:
    for number in range(120):
        alarm(f"n{number}", "OK")
    assert "120 alarms are quiet" in asked("cloudwatch-alarm", names=[f"n{n}" for n in range(120)]).why


def test_a_composite_alarm_rings_as_any_other() -> None:
    from moto.backends import get_backend

    alarm("all", "ALARM", "x rings")  # moto cannot make composite ones
    backend: Any = get_backend("cloudwatch")["123456789012"]["ap-northeast-2"]
    backend.alarms["all"].rule = "ALARM(x)"
    asked_for: list[Any] = []  # nor leaves them out, as AWS does, where they are not asked for
    aws("cloudwatch").meta.events.register(
        "before-parameter-build.cloudwatch.DescribeAlarms",
        lambda params, **_: asked_for.append(params["AlarmTypes"]),
    )
    assert "all, x rings" in asked("cloudwatch-alarm", names=["all"]).why
    assert asked_for == [["MetricAlarm", "CompositeAlarm"]]


def test_a_check_of_aws_may_be_a_gate() -> None:
    alarm("api-5xx", "ALARM")
    gates = [Gate(name="quiet", kind="cloudwatch-alarm", settings={"names": ["api-5xx"]})]
    (said,) = checks.evaluate(gates, subject())
    assert said.blocks
    alarm("api-5xx", "OK")
    assert not checks.evaluate(gates, subject())[0].blocks


# --- cloudwatch-metric ---


@pytest.fixture(autouse=True)
def percentiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto knows no percentiles: the nearest rank, as for small samples."""
    from moto.cloudwatch.models import Statistics

    known = Statistics.get_statistics_for_type

    def percentile(self: Any, stat: str) -> Any:
        if not stat.startswith("p"):
            return known(self, stat)
        values = sorted(self.metric_single_values_list)
        return values[math.ceil(float(stat[1:]) / 100 * len(values)) - 1]

    monkeypatch.setattr(Statistics, "get_statistics_for_type", percentile)


def metric(*minutes: list[float], ago: int = 0) -> None:
    """Values of the last minutes before noon, the newest minute first."""
    data = [{"MetricName": "5xx", "Dimensions": [{"Name": "Service", "Value": "staging-api"}], "Value": value,
             "Timestamp": NOON - timedelta(minutes=ago + number + 1) + timedelta(seconds=1)}
            for number, values in enumerate(minutes) for value in values]  # fmt: skip
    aws("cloudwatch").put_metric_data(Namespace="GLI", MetricData=data)


def measured(**settings: Any) -> Verdict:
    named: dict[str, Any] = {"namespace": "GLI", "metric": "5xx", "dimensions": {"Service": "{long}-api"}}
    return asked("cloudwatch-metric", **named | settings)


@pytest.mark.shows("G16")
def test_every_period_must_be_within_bounds_and_the_worst_is_told() -> None:
    metric([1, 2], [4, 3], [0, 1])
    assert measured(statistic="Sum", below=8).state == "pass"
    said = measured(statistic="Sum", below=7)
    assert (said.state, said.why) == (
        "fail", "GLI 5xx Sum: at worst 7 at 11:58 UTC, in 3 periods of 1m; asked for less than 7",
    )  # fmt: skip
    assert measured(statistic="Minimum", above=0).state == "fail"
    assert measured(statistic="Minimum", above=0, window="2m").state == "pass"


def test_a_percentile_is_asked_for_by_its_name() -> None:
    metric([*[0.1] * 98, 0.7, 5.0])
    assert measured(statistic="p99", below=0.8).state == "pass"
    assert "at worst 5" in measured(statistic="p99.5", below=0.8).why


def test_a_minute_that_is_not_over_is_not_judged() -> None:
    metric([0])
    metric([100], ago=-1)
    assert measured(below=5, now=NOON + timedelta(seconds=40)).state == "pass"
    assert measured(below=5, now=NOON + timedelta(seconds=60)).state == "fail"


def test_no_data_is_no_answer_unless_the_file_says_so() -> None:
    metric([0], ago=30)
    assert (measured(below=1).state, measured(below=1).why) == ("wait", "GLI 5xx Average: no data in the last 10m")
    assert measured(below=1, unknown="pass").state == "pass"
    assert measured(below=1, dimensions={}, unknown="fail", window="1h").state == "pass"  # moto needs no dimensions


def test_times_are_those_of_the_system() -> None:
    metric([9])
    here = NOON.astimezone(ZoneInfo("Asia/Seoul"))
    said = asked("cloudwatch-metric", now=here, namespace="GLI", metric="5xx", below=5,
                 dimensions={"Service": "staging-api"})  # fmt: skip
    assert "at 20:59 KST" in said.why


# --- the file, and AWS itself ---


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("kind: cloudwatch-metric, namespace: a, metric: b", "below or above is missing"),
        ("kind: cloudwatch-metric, namespace: a, metric: b, below: 0.5, statistic: p101", "is no statistic"),
        ("kind: cloudwatch-metric, namespace: a, metric: b, below: 0.5, period: 90s", "whole minutes"),
        ('kind: cloudwatch-metric, namespace: a, metric: b, below: 1, dimensions: {x: "{lnog}"}', '"long"'),
        ("kind: cloudwatch-alarm", "names or prefix is missing"),
        ('kind: cloudwatch-alarm, names: ["{lnog}"]', 'did you mean "long"'),
        ("kind: cloudwatch-alarm, names: [a], unknown: maybe", "must be"),
        ("kind: image-exists, repository: a", "tag or digest is missing"),
        ("kind: image-exists, repository: a, digest: v1", "is no digest"),
    ],
)
def test_what_could_not_be_asked_is_a_mistake_in_the_file(check: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(f"{{{check}}}")
    assert told in caught.value.why


def test_a_number_is_read_the_same_as_a_health_check_and_as_a_gate() -> None:
    check = "{kind: cloudwatch-metric, namespace: GLI, metric: 5xx, below: 0.5}"
    assert config(check, gates=f"{{quiet: {check}}}").gates["quiet"].settings["below"] == 0.5
    metric([0.4])
    assert measured(below="0.5").state == "pass"


def test_credentials_that_aws_does_not_know_are_a_failure_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    clients.forget()
    said = asked("cloudwatch-alarm", names=["a"])
    assert said.state == "fail"
    assert "AWS does not know who is asking" in said.why
    assert any("aws sso login" in line for line in said.details)
