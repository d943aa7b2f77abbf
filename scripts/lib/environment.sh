# Sourced by the scripts: a virtual environment with multigit in it, made or brought up to date when pyproject.toml or the
# lock changed; an active virtual environment is used as it is.
# environment dev   with what requirements/dev.txt locks, and nothing that is not named there with its hash
# environment ""    as a user installs it, within the ranges of pyproject.toml

environment() {
  local lock=$1 root venv stamp wanted pip
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
  wanted="$root $lock $(cat "$root/pyproject.toml" ${lock:+"$root/requirements/$lock.txt"} | cksum)"
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "installing multigit${lock:+ and requirements/$lock.txt} into $venv" >&2
    pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
    if [ -n "$lock" ]; then
      "${pip[@]}" --require-hashes --requirement "$root/requirements/$lock.txt" >&2
      # Built by the locked hatchling: an isolated build would fetch one that nobody pinned.
      "${pip[@]}" --no-deps --no-build-isolation --editable "$root" >&2
    else
      "${pip[@]}" --editable "$root" >&2
    fi
    printf '%s' "$wanted" >"$stamp"
  fi
  PATH=$venv/bin:$PATH
  export PATH
  cd "$root" || exit 1
}
