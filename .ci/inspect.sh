#!/usr/bin/env bash
# The page of `vet inspect` and `vet diff` in a real browser, as .ci/browser.sh does it for the pages of a
# log. Screenshots stay in .work/inspect/shots.
set -euo pipefail
cd "$(dirname "$0")/.."
work=.work/browser
if ! command -v chromium > /dev/null || ! command -v chromedriver > /dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    elevate=()
    [ "$(id -u)" = 0 ] || elevate=(sudo)
    "${elevate[@]}" apt-get update -q > /dev/null
    "${elevate[@]}" apt-get install --yes --no-install-recommends -q chromium chromium-driver > /dev/null
fi
if [ ! -x "$work/venv/bin/python" ] || ! "$work/venv/bin/python" -c 'import selenium' 2> /dev/null; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check selenium
fi
if [ ! -f "$work/node_modules/axe-core/axe.min.js" ]; then
    npm install --silent --no-audit --no-fund --prefix "$work" axe-core
fi
"$work/venv/bin/python" .ci/inspect_pages.py "${1:-target/debug/countermark}"
