#!/usr/bin/env bash
# Check the types of the Python package, and test it against the portal and a Socket.IO server.
#   test.sh PACKAGE PORTAL [PYTEST-ARGUMENT...]
set -eu
package=$(realpath "$1") portal=$(realpath "$2")
shift 2
cd "$(dirname "$0")"
root=$(realpath ../..)
venv=$(realpath "$package/..")/venv

skip() {
    (cd "$root" && .ci/skip "Python tests" "$1")
    exit
}

command -v python3 >/dev/null || skip "there is no python3"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || skip "python3 is older than 3.10"

wanted=$(cat tests/requirements.txt "$root/tests/conformance/servers/python/requirements.txt")
if [ "$(cat "$venv/installed" 2>/dev/null)" != "$wanted" ]; then
    python3 -m venv --clear "$venv" || skip "python3 cannot make a venv (package python3-venv)"
    "$venv/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt ||
        skip "pip cannot install tests/requirements.txt"
    printf '%s' "$wanted" >"$venv/installed"
fi

export PYTHONPATH=$package/src ROAMIO_PORTAL=$portal
ROAMIO_BINDINGS=$(realpath "$package/../../bindings")
export ROAMIO_BINDINGS
export ROAMIO_SERVER=$root/tests/conformance/servers/python/server.py
cache=$(dirname "$venv")/cache
MYPYPATH=tests "$venv/bin/mypy" --cache-dir "$cache/mypy" --config-file pyproject.toml \
    -p roamio
MYPYPATH=tests "$venv/bin/mypy" --cache-dir "$cache/mypy" --config-file pyproject.toml \
    tests/*.py "$root"/examples/python/*.py
exec "$venv/bin/python" -B -m pytest -q -o cache_dir="$cache/pytest" "$@"
