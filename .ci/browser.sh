#!/usr/bin/env bash
# The pages in a real browser: Debian's Chromium, driven through ChromeDriver. Installs both where they
# are absent; the driver's library and the checker of accessibility come from the package registries.
# Screenshots stay in .work/browser/shots.
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
"$work/venv/bin/python" .ci/browser.py "${1:-target/debug/countermark}"
