"""What a pip-audit report (JSON) says of a lock. pip-audit ends with 0 also when it could ask about nothing.

audited.py LOCK REPORT   exit status 0 all asked about, none vulnerable; 1 vulnerable; 2 not (all) audited
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def verdict(lock: str, report: str) -> tuple[int, list[str]]:
    """Exit status and lines; `report` is the text of the JSON document, '' where pip-audit made none."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except ValueError:
        return 2, [f"{lock}: NOT AUDITED, no vulnerability service could be asked"]
    skipped = [package for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    lines = [f"{lock}: {one['name']} {one['version']} has {_known(one['vulns'])}" for one in bad]
    if skipped or not packages:
        why = skipped[0]["skip_reason"] if skipped else "it names no package"
        lines.append(f"{lock}: NOT AUDITED, {len(skipped)} of {len(packages)} packages: {why}")
    elif not bad:
        lines.append(f"{lock}: {len(packages)} packages, no known vulnerability")
    return (1 if bad else 2 if skipped or not packages else 0), lines


def _known(vulns: list[dict[str, Any]]) -> str:
    return ", ".join(f"{one['id']} (mended in {', '.join(one['fix_versions']) or 'none'})" for one in vulns)


if __name__ == "__main__":
    status, said = verdict(sys.argv[1], Path(sys.argv[2]).read_text(encoding="utf-8"))
    print(*said, sep="\n")
    sys.exit(status)
