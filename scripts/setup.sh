#!/bin/sh
# Make .venv at the root of the checkout from uv.lock, and fetch what the local stack needs.
# Needs Python 3.11 to 3.13 and the network; no root, no system Java, Maven or PostgreSQL.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
VENV=.venv
export UV_PROJECT_ENVIRONMENT="$VENV" UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=true
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if fits "$candidate"; then echo "$candidate"; return; fi
    done
    fail "needs Python 3.11, 3.12 or 3.13 as ${PYTHON:-python3}; name another one with: make setup PYTHON=..."
}

# A virtual environment copied or moved from elsewhere, or of an unfitting Python, is made anew.
make_venv() {
    if [ -x "$VENV/bin/python" ] && fits "$VENV/bin/python"; then return; fi
    python=$(find_python)
    say "making $VENV with $("$python" --version)"
    rm -rf "$VENV"
    "$python" -m venv --without-pip "$VENV"
}

# uv of the pinned version in a corner of .venv; pip brings it, with whatever mirror pip is configured for.
bring_uv() {
    UV="$VENV/tools/bin/uv"
    if [ "$("$UV" --version 2>/dev/null | cut -d' ' -f2)" = "$UV_VERSION" ]; then return; fi
    if "$VENV/bin/python" -c 'import ensurepip' 2>/dev/null; then
        say "installing uv $UV_VERSION"
        "$VENV/bin/python" -m venv --clear "$VENV/tools"
        "$VENV/tools/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
    elif command -v uv >/dev/null 2>&1; then
        UV=uv
    else
        fail "this Python lacks ensurepip; install its venv package (Debian: apt install python3-venv) or uv"
    fi
}

# The lock names PyPI itself. Where only a mirror can be reached, pip takes the same files, by their hashes,
# from the index it is configured for.
sync() {
    say "installing the packages of uv.lock"
    if "$UV" sync --frozen --quiet --python "$VENV/bin/python"; then return; fi
    [ "$UV" != uv ] || fail "the packages could not be installed; the lines above say why"
    say "uv could not; trying pip with its own settings"
    "$UV" export --frozen --quiet --format requirements-txt --output-file "$VENV/requirements.txt"
    "$VENV/tools/bin/python" -m pip --python "$VENV/bin/python" install --quiet --disable-pip-version-check \
        --require-hashes --requirement "$VENV/requirements.txt"
}

make_venv
bring_uv
sync
"$VENV/bin/python" -m app stack fetch
