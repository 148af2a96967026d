#!/bin/sh
# Install audit7k from this folder alone: sh install.sh [FOLDER], by default audit7k in your home folder.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
place=${1:-"$HOME/audit7k"}
for python in ${PYTHON:+"$PYTHON"} python@PYTHON@ python3 python; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' 2>/dev/null; then
        "$python" -m venv "$place"
        "$place/bin/python" -m pip --isolated install --quiet --disable-pip-version-check --no-index --no-cache-dir \
            --find-links "$here/wheels" --require-hashes --only-binary :all: --requirement "$here/requirements.txt"
        "$place/bin/audit7k" --version
        echo "Begin with: $place/bin/audit7k demo"
        exit 0
    fi
done
echo "Python @PYTHON@ with venv and pip is needed (on Debian and Ubuntu: python3-venv). Name it: PYTHON=/path/to/python sh install.sh" >&2
exit 4
