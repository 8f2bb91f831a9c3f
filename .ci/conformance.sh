#!/usr/bin/env bash
# A log that the command wrote, as static files behind another web server: Go's packages read it (.ci/tlog.sh,
# which comes before this step and installs them), crate tlog's reader does, and `countermark log monitor`
# does. The files lie behind Python's web server, and behind nginx where there is one. Each reader refuses a
# tile that was changed.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${1:-${CARGO_TARGET_DIR:-target}/debug/countermark}
program=$(realpath "$program")
work=$PWD/.work/conformance
judge=$PWD/.work/tlog/judge
reader=$PWD/${CARGO_TARGET_DIR:-target}/debug/examples/static_log
if [ ! -x "$judge" ] || [ ! -x "$reader" ]; then .ci/tlog.sh; fi
rm -rf "$work"
mkdir -p "$work/home" "$work/state"
export HOME=$work/home COUNTERMARK_STATE_DIR=$work/state

servers=()
# Ends only what this script started.
finish() {
    for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done
}
trap finish EXIT

# Waits until a file has a line that fits, and prints it.
line_of() {
    for _ in $(seq 200); do
        if grep -m 1 -oE "$2" "$1" 2>/dev/null; then return 0; fi
        sleep 0.05
    done
    echo "no line like '$2' in $1:" >&2
    cat "$1" >&2
    return 1
}

# Records of so many files, from one number to before another.
records() {
    python3 - "$1" "$2" <<'PYTHON'
import hashlib, json, sys
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    name = f"project{number // 25}"
    file = f"{name}-1.{number % 25}.tar.gz"
    digest = hashlib.sha256(file.encode()).hexdigest()
    print(json.dumps({"project": name, "file": file, "digest": f"sha256:{digest}", "size": number}))
PYTHON
}

echo "-- a log with a witness"
log=$work/log
"$program" log init "$log" --origin log.example.org/conformance >"$work/init"
vkey=$(grep -oE '^  log\.example\.org/conformance\+[^ ]+' "$work/init" | tr -d ' ')
"$program" log observer add "$log" index:index.example.org/crawler >/dev/null
"$program" witness init "$work/witness" --name witness.example.org/w1 >"$work/witness-init"
witness=$(grep -oE '^  witness\.example\.org/w1\+[^ ]+' "$work/witness-init" | tr -d ' ')
"$program" witness add-log "$work/witness" "$vkey" >/dev/null
"$program" witness serve "$work/witness" --listen 127.0.0.1:0 2>"$work/witness.log" &
servers+=($!)
at=$(line_of "$work/witness.log" 'http://127\.0\.0\.1:[0-9]+/')
"$program" log witness add "$log" "$witness" "$at" >/dev/null

# Behind a plain web server, at an address that stays while the log grows.
python3 - "$log/public" "$work/python.url" <<'PYTHON' 2>/dev/null &
import functools, http.server, pathlib, sys
folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
pathlib.Path(sys.argv[2]).write_text(f"http://127.0.0.1:{served.server_port}\n")
served.serve_forever()
PYTHON
servers+=($!)
python=$(line_of "$work/python.url" 'http://.*')

policy() {
    mkdir -p "$work/$1"
    printf '[policy.log]\nmode = "require"\nurl = "%s"\nkey = "%s"\nwitnesses = ["%s"]\nquorum = 1\n' \
        "$2" "$vkey" "$witness" >"$work/$1/countermark.toml"
}

# Everything that our own client and the others read there.
read_there() {
    local name=$1 address=$2 size=$3
    "$judge" read "$address" "$vkey" "$witness"
    "$reader" read "$address" "$vkey" "$witness"
    policy "$name" "$address"
    (cd "$work/$name" && "$program" log monitor --isolated --project project0 --from-start 2>&1) |
        grep -F "entries read, all of them signed: log.example.org/conformance has $size;"
}

size=0
for next in 1 255 256 300 513 999; do
    records "$size" "$next" >"$work/records.jsonl"
    "$program" log append "$log" "$work/records.jsonl" >/dev/null
    "$program" log checkpoint "$log" >"$work/checkpoint"
    cmp "$work/checkpoint" "$log/public/checkpoint"
    grep -q '^— witness.example.org/w1 ' "$work/checkpoint"
    size=$next
    echo "-- $size entries, from Python's web server"
    read_there python "$python" "$size"
done

if command -v nginx >/dev/null; then
    echo "-- $size entries, from nginx"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    mkdir -p "$work/nginx"
    cat >"$work/nginx/nginx.conf" <<NGINX
daemon off;
master_process off;
pid $work/nginx/pid;
error_log $work/nginx/error.log;
events {}
http {
    access_log off;
    client_body_temp_path $work/nginx/body;
    proxy_temp_path $work/nginx/proxy;
    fastcgi_temp_path $work/nginx/fastcgi;
    uwsgi_temp_path $work/nginx/uwsgi;
    scgi_temp_path $work/nginx/scgi;
    server {
        listen 127.0.0.1:$port;
        root $log/public;
        location /tile/ { add_header Cache-Control "public, max-age=31536000, immutable"; }
    }
}
NGINX
    nginx -e "$work/nginx/error.log" -c "$work/nginx/nginx.conf" &
    servers+=($!)
    for _ in $(seq 100); do
        if python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null; then break; fi
        sleep 0.05
    done
    read_there nginx "http://127.0.0.1:$port" "$size"
else
    echo "nginx is not here; Python's web server served everything"
fi

echo "-- a tile and an entry that were changed"
# One bit of a file of the log; the client below begins anew each time.
refused() {
    local file=$1 position=$2 expected=$3 said
    cp "$log/public/$file" "$work/before"
    python3 - "$log/public/$file" "$position" <<'PYTHON'
import pathlib, sys
file, position = pathlib.Path(sys.argv[1]), int(sys.argv[2])
data = bytearray(file.read_bytes())
data[position] ^= 1
file.write_bytes(data)
PYTHON
    # The monitor computes the tree from the entries and asks for no hashes.
    if [ -n "$expected" ]; then
        rm -rf "$work/state"
        if said=$(cd "$work/python" && "$program" log monitor --isolated --project project0 2>&1); then
            echo "accepted, though $file was changed: $said" >&2
            exit 1
        fi
        if ! grep -q -- "$expected" <<<"$said"; then
            echo "expected '$expected', found: $said" >&2
            exit 1
        fi
    fi
    local other
    for other in "$judge" "$reader"; do
        if "$other" read "$python" "$vkey" "$witness" >/dev/null 2>&1; then
            echo "$other accepted it, though $file was changed" >&2
            exit 1
        fi
    done
    cp "$work/before" "$log/public/$file"
}
refused tile/0/001 77 ""
refused tile/entries/002 9 "log-forged-entries"
refused checkpoint 40 "log-bad-"
read_there python "$python" "$size"
