#!/usr/bin/env bash
# The feature `openpgp`: its lints and tests, and signatures made by GnuPG, where it is installed,
# which is the judge of what a usual signature looks like.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never RUST_BACKTRACE=0

# Together, so that features are resolved once and nothing is compiled twice.
crates=(-p countermark-trust -p countermark-audit -p countermark-ledger -p countermark-client)
crates+=(--features countermark-client/openpgp)
cargo clippy --quiet "${crates[@]}" --all-targets -- -D warnings
cargo test --quiet "${crates[@]}" --lib -- openpgp signature
cargo build --quiet "${crates[@]}" --example openpgp

if ! command -v gpg >/dev/null; then
    echo "gpg is not here; its signatures were not judged"
    exit 0
fi

work=$(mktemp -d)
export GNUPGHOME="$work/home"
trap 'gpgconf --kill all 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir -m 700 "$GNUPGHOME"
mkdir "$work/files"
target=${CARGO_TARGET_DIR:-target}
now=2026-06-01T00:00:00Z

run() { gpg --quiet --batch --yes --no-tty --pinentry-mode loopback --passphrase '' "$@" 2>>"$work/log"; }

# What a name, an algorithm and a time give: a key made then.
make_key() { run --faked-system-time "$4!" --quick-generate-key "$1@example.org" "$2" "$3" 1y; }

fingerprint() { gpg --batch --with-colons --list-keys "$1@example.org" 2>/dev/null | awk -F: '/^fpr/ {print tolower($10); exit}'; }

failures=0
expect() {
    local what=$1 wanted=$2
    shift 2
    local found
    found=$("$target/debug/examples/openpgp" "$@")
    if [ "$found" != "$wanted" ]; then
        echo "$what: expected $wanted, found $found"
        failures=$((failures + 1))
    fi
}

artifact="$work/files/tool-1.0.tar.gz"
head -c 100000 /dev/urandom >"$artifact"
printf 'abc  one.tar.gz\n- dash  two.tar.gz' >"$work/files/SHA256SUMS"

export_keys() { run --armor --export >"$work/keys.asc"; }

made=20260101T000000
signed=20260201T000000
sign() {
    local output=$1 key=$2
    shift 2
    run --faked-system-time "$signed!" --output "$work/$output" --local-user "$key@example.org" "$@"
}

make_key rsa rsa3072 sign "$made"
make_key edwards ed25519 cert "$made"
run --faked-system-time "$made!" --quick-add-key "$(fingerprint edwards)" ed25519 sign 1y
make_key curve nistp256 sign "$made"
make_key short rsa1024 sign "$made"
make_key stolen ed25519 sign "$made"
make_key stranger ed25519 sign "$made"
export_keys

for key in rsa edwards curve; do
    sign "$key.sig" "$key" --detach-sign "$artifact"
    sign "$key.asc" "$key" --armor --detach-sign "$artifact"
    for form in sig asc; do
        expect "$key.$form" "$(fingerprint $key)" "$work/keys.asc" "$artifact" "$work/$key.$form" "$now" 2026-02-01T00:00:00Z
    done
done
sign two.sig rsa --local-user curve@example.org --detach-sign "$artifact"
expect "two signatures" "$(fingerprint rsa)" "$work/keys.asc" "$artifact" "$work/two.sig" "$now"
sign sums.asc edwards --clear-sign "$work/files/SHA256SUMS"
expect "a clear-signed list" "$(cat "$work/files/SHA256SUMS")" "$work/keys.asc" - "$work/sums.asc" "$now"

expect "another file" wrong-bytes "$work/keys.asc" "$work/files/SHA256SUMS" "$work/rsa.sig" "$now"
sed 's/^abc/abd/' "$work/sums.asc" >"$work/changed.asc"
expect "a changed list" wrong-bytes "$work/keys.asc" - "$work/changed.asc" "$now"
expect "before it was made" from-the-future "$work/keys.asc" "$artifact" "$work/rsa.sig" 2026-01-31T00:00:00Z
expect "long after the release" from-the-future "$work/keys.asc" "$artifact" "$work/rsa.sig" "$now" 2026-01-20T00:00:00Z
expect "a key of last year" expired-then "$work/keys.asc" "$artifact" "$work/rsa.sig" 2028-01-01T00:00:00Z 2027-02-01T00:00:00Z
sign sha1.sig rsa --digest-algo SHA1 --detach-sign "$artifact"
expect "over SHA-1" sha1 "$work/keys.asc" "$artifact" "$work/sha1.sig" "$now"
sign text.sig rsa --textmode --detach-sign "$artifact"
expect "in text mode" text-mode "$work/keys.asc" "$artifact" "$work/text.sig" "$now"
sign short.sig short --detach-sign "$artifact"
expect "a short key" short-key "$work/keys.asc" "$artifact" "$work/short.sig" "$now"
sign message.gpg rsa --sign "$artifact"
expect "a signed message" not-a-signature "$work/keys.asc" "$artifact" "$work/message.gpg" "$now"

# GnuPG replaces what binds the key: the certificate then says nothing of the day of the signature.
run --faked-system-time 20260301T000000! --quick-set-expire "$(fingerprint rsa)" 2y
run --armor --export rsa@example.org >"$work/renewed.asc"
expect "a renewed key" "$(fingerprint rsa)" "$work/renewed.asc" "$artifact" "$work/rsa.sig" "$now" 2026-02-01T00:00:00Z

sign stolen.sig stolen --detach-sign "$artifact"
sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$(fingerprint stolen | tr a-f A-F).rev" >"$work/stolen.rev"
expect "before it was known" "$(fingerprint stolen)" "$work/keys.asc" "$artifact" "$work/stolen.sig" "$now"
run --import "$work/stolen.rev"
run --yes --delete-secret-and-public-key "$(fingerprint stranger)"
sign stranger.sig rsa --detach-sign "$artifact"
export_keys
expect "a stolen key" revoked-key "$work/keys.asc" "$artifact" "$work/stolen.sig" "$now"
run --armor --export edwards@example.org >"$work/edwards.asc"
expect "a key that was not given" unknown-signer "$work/edwards.asc" "$artifact" "$work/rsa.sig" "$now"

if [ "$failures" -gt 0 ]; then
    tail -5 "$work/log" >&2
    exit 1
fi
echo "signatures of $(gpg --version | head -1) are judged as expected"
