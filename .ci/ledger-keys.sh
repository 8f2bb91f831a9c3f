#!/usr/bin/env bash
# Reviews signed with the keys that people have: ssh-keygen and gpg make the signatures and are the judges of
# those that `vet` accepts and refuses.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never

cargo build --quiet -p countermark --features openpgp
.ci/ledger_keys.py "${CARGO_TARGET_DIR:-target}/debug/countermark"
