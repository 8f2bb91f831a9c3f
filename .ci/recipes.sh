#!/usr/bin/env bash
# The recipes of docs/tox-nox.md against the real tox and nox, which countermark itself installs
# from the pins beside this script. Everything is below .work/.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${COUNTERMARK:-$PWD/target/release/countermark}
[ -x "$program" ] || { echo "build first: cargo build --release"; exit 1; }
work=$PWD/.work/recipes
rm -rf "$work/project"
mkdir -p "$work/bin" "$work/project/src/kitchen" "$work/project/tests"
ln -sf "$program" "$work/bin/countermark"
export PATH=$work/bin:$PATH
unset VIRTUAL_ENV TOX_ENV_DIR

countermark install --sync -r .ci/recipes/requirements.txt --venv "$work/tools"

# The files as the page has them.
block() {
    awk -v fence="^\`\`\`[a-z]+ $1\$" '$0 ~ fence {on = 1; next} /^```$/ {on = 0} on' \
        docs/tox-nox.md >"$work/project/$1"
    [ -s "$work/project/$1" ] || { echo "docs/tox-nox.md has no $1"; exit 1; }
}
block tox.ini
block noxfile.py
cp examples/web/requirements.txt "$work/project/"
echo 'TEMPERATURE = 100' >"$work/project/src/kitchen/__init__.py"
cat >"$work/project/tests/test_kitchen.py" <<'PYTHON'
import unittest

import flask
import kitchen


class Kitchen(unittest.TestCase):
    def test_it_boils(self):
        self.assertEqual(flask.Flask("kitchen").name, "kitchen")
        self.assertEqual(kitchen.TEMPERATURE, 100)
PYTHON

cd "$work/project"
for run in fresh again; do
    echo "-- tox, $run"
    "$work/tools/bin/tox" run
    echo "-- nox, $run"
    "$work/tools/bin/nox" --reuse-existing-virtualenvs
done

# A mistake in the pins stops both, before anything is installed.
sed -i '0,/--hash=sha256:[0-9a-f]\{8\}/s//--hash=sha256:00000000/' requirements.txt
for tool in "tox run --recreate" "nox"; do
    if (unset CI; cd "$work/project"; "$work/tools/bin/"$tool) >"$work/log" 2>&1; then
        echo "$tool passed over a wrong digest"
        exit 1
    fi
    grep -q 'error\[' "$work/log" || { cat "$work/log"; exit 1; }
    echo "-- $tool refused a wrong digest: $(grep -m 1 -o 'error\[.*' "$work/log")"
done
