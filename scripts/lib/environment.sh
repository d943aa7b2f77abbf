# Sourced by the scripts: a virtual environment with multigit in it, made or brought up to date when pyproject.toml changed.
# environment EXTRAS   e.g. environment "" or environment "[dev]"; an active virtual environment is used as it is.

environment() {
  local extras=$1 root venv stamp wanted
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  venv=${VIRTUAL_ENV:-$root/.venv}
  if [ ! -x "$venv/bin/python" ]; then
    command -v python3 >/dev/null || { echo "python3 is needed (3.11 or later)" >&2; exit 1; }
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
      { echo "Python 3.11 or later is needed; this is $(python3 --version)" >&2; exit 1; }
    python3 -m venv "$venv" || { echo "python3 cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
  fi
  command -v git >/dev/null || { echo "git is needed (2.38 or later)" >&2; exit 1; }
  stamp=$venv/.multigit-installed
  wanted="$root $extras $(cksum <"$root/pyproject.toml")"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "installing multigit$extras into $venv" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$root$extras" >&2
    printf '%s' "$wanted" >"$stamp"
  fi
  PATH=$venv/bin:$PATH
  export PATH
  cd "$root" || exit 1
}
