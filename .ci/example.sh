#!/usr/bin/env bash
# The README's first command, on this machine and the configured index.
set -euo pipefail
cd "$(dirname "$0")/.."
command=$(sed -n 's/^\(cargo run --release .*\)$/\1/p' README.md | head -n 1)
[ -n "$command" ] || { echo "the README has no command that begins with cargo run --release"; exit 1; }
rm -rf .work/example
venv=$(printf '%s' "$command" | sed -n 's/.*--venv \([^ ]*\).*/\1/p')
rm -rf "$venv"
echo "\$ $command"
eval "$command"
target/release/countermark verify --python "$venv"
"$venv/bin/python" -c 'import flask, requests; print("imported flask and requests")'
rm -rf "$venv"
