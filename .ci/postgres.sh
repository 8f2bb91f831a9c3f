#!/usr/bin/env bash
# PostgreSQL for the tests of the engines, installed from Debian's packages where there is none. The
# tests start a cluster of their own in a temporary folder; the one of the package is not used.
set -euo pipefail
cd "$(dirname "$0")/.."

found() {
    [ -n "${COUNTERMARK_POSTGRES_BIN:-}" ] || command -v initdb >/dev/null ||
        compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

if ! found; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    # The package makes and starts a cluster of the machine's own unless it is told not to.
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo 'create_main_cluster = false' |
        "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends postgresql
fi
found || { echo "PostgreSQL could not be installed" >&2; exit 1; }
