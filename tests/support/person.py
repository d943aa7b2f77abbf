"""What a person has said to their git: settings, and a helper that knows logins."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def config(key: str, value: str | Path) -> None:
    subprocess.run(["git", "config", "--global", key, str(value)], check=True, timeout=30)


def helper(*logins: str) -> Path:
    """A credential helper that knows these passwords of kim, and forgets the first when it is told that it is wrong."""
    home = Path(os.environ["HOME"])
    home.joinpath("logins").write_text("".join(f"{login}\n" for login in logins))
    script = home / "helper"
    script.write_text(
        f"#!/bin/sh\ncd {home}\ncat >/dev/null\necho $1 >>told\n"
        "case $1 in\n"
        "get) read -r word <logins && printf 'username=kim\\npassword=%s\\n' $word ;;\n"
        "erase) sed -i 1d logins ;;\nesac\n"
    )
    script.chmod(0o755)
    config("credential.helper", script)
    return home / "told"
