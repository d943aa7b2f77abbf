"""Killed after each call of AWS, a deployment is gone on with from another machine, and nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from multigit.app.deploying import planning
from multigit.apply import bringing
from tests.support.awscloud import REGION
from tests.support.cloud import Killed
from tests.support.ecs_stand import NEW, standing
from tests.support.ecs_stand import Stand as Ecs
from tests.support.fleetkit import ENVIRONMENTS, FleetKit, Ran
from tests.support.killer import copied
from tests.support.moments import telling
from tests.support.site import NEXT, as_cloudfront_is
from tests.support.site import Stand as Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SLICES = 2
BUCKET = "shop-web"
REPOS = f"""\
  root: {{}}
  api:
    deploy:
      default:
        migrate: {{ecs-task: {{cluster: gli, service: api, ecr: gli-api, command: [migrate]}}}}
        ecs: {{cluster: gli, service: api, ecr: gli-api}}
  web: {{after: [api], deploy: {{default: {{s3: {{bucket: {BUCKET}, cdn: shop.example, source: dist}}}}}}}}
"""
DISTRIBUTION: dict[str, Any] = {
    "CallerReference": "one", "Comment": "", "Enabled": True, "Aliases": {"Quantity": 1, "Items": ["shop.example"]},
    "Origins": {"Quantity": 1, "Items": [{"Id": "s3", "DomainName": f"{BUCKET}.s3.amazonaws.com",
                                          "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
    "DefaultCacheBehavior": {"TargetOriginId": "s3", "ViewerProtocolPolicy": "redirect-to-https", "MinTTL": 0,
                             "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}},
}  # fmt: skip


@dataclass
class Small:
    """One service with a migration, one site; a release of stg that is not deployed yet."""

    kit: FleetKit
    ecs: Ecs
    site: Site

    def run(self, *words: str, dies_after: int = 0) -> Ran:
        """A command whose calls are counted; it is killed after the call `dies_after`, before its answer arrives."""
        cloud = self.ecs.cloud
        cloud.calls.clear()

        def strike(name: str) -> None:
            if dies_after and len(cloud.calls) >= dies_after:
                raise Killed

        cloud.after, cloud.ours = strike, True
        try:
            return self.kit.call(*words)
        finally:
            cloud.ours = False

    def end(self) -> dict[str, Any]:
        """All that counts of the world afterwards."""
        s3 = self.ecs.cloud.aws("s3")
        served = {one["Key"]: s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read().decode()
                  for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]
                  if not one["Key"].startswith(".multigit/")}  # fmt: skip
        tasks = [task for known in self.ecs.service()._backend.tasks.values() for task in known.values()]
        told = json.loads(self.kit.call("watch", "stg", "--json").out)
        return {
            "images": self.ecs.images(), "definitions": self.ecs.revisions(), "rollouts": self.ecs.rollouts.made,
            "tasks": sum(task.started_by.startswith("multigit") for task in tasks), "served": served,
            "invalidations": len(self.site.invalidations),
            "outcome": told["outcome"], "steps": [(step["id"], step["state"]) for step in told["steps"]],
        }  # fmt: skip


@contextmanager
def small(prepared: FleetKit, folder: Path) -> Iterator[Small]:
    kit = copied(prepared, folder)
    kit.config = prepared.config.replace(str(prepared.root), str(folder))
    (kit.work / "repos.yaml").write_text(kit.config, encoding="utf-8")
    with standing(folder) as ecs, as_cloudfront_is(folder) as site:
        ecs.rollouts.now = datetime.now(UTC)
        ecs.push(kit.head("api", "stg")[:8], NEW.partition("@")[2])
        ecs.cloud.aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        ecs.cloud.aws("cloudfront").create_distribution(DistributionConfig=DISTRIBUTION)
        for path, text in NEXT.items():
            place = kit.work / "web" / "dist" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        yield Small(kit, ecs, site)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "Bringer", partial(bringing.Bringer, pause=lambda seconds: None))


@pytest.mark.shows("X4", "X5", "G12", "G13", "T4")
@pytest.mark.parametrize("slice_", range(SLICES))
def test_killed_after_each_call_of_aws_it_is_resumed_elsewhere_and_nothing_is_done_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slice_: int
) -> None:
    prepared = FleetKit.make(tmp_path / "prepared", repos=REPOS, environments=ENVIRONMENTS)
    prepared.commit("api", "dev", {"app.txt": "new\n"})
    prepared.promote("dev", "stg", "--no-deploy").exits(0)
    with small(prepared, tmp_path / "whole") as world:
        world.run("deploy", "stg", "--yes").exits(0)
        whole, calls = world.end(), list(world.ecs.cloud.calls)
    assert (whole["tasks"], whole["definitions"], whole["rollouts"], whole["invalidations"]) == (1, 2, 2, 1)
    assert whole["images"][1] == NEW
    assert whole["served"] == NEXT
    moments = telling(calls)
    assert len(moments) > 8
    for moment in moments[slice_::SLICES]:
        with small(prepared, tmp_path / f"after-{moment}") as world, monkeypatch.context() as patch:
            with pytest.raises(Killed):
                world.run("deploy", "stg", "--yes", dies_after=moment)
            last = world.ecs.cloud.calls[-1]
            for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
                patch.setenv(name, str(world.kit.root / f"elsewhere-{name}"))
            resumed = world.run("resume", "--yes").exits(0)
            if "no run is open" in resumed.out:  # it had only looked
                world.run("deploy", "stg", "--yes").exits(0)
            assert world.end() == whole, f"killed after call {moment}, {last}"
            if moment in moments[:SLICES]:
                world.run("deploy", "stg", "--yes").exits(0)
                assert world.end()["rollouts"] == whole["rollouts"]
                world.kit.call("verify", "stg").exits(0)
