#!/usr/bin/env bash
# The programs of other people that the tests and judges call: git, ssh-keygen, gpg. Installs those that are absent.
set -euo pipefail
missing=()
command -v git > /dev/null || missing+=(git)
command -v ssh-keygen > /dev/null || missing+=(openssh-client)
command -v gpg > /dev/null || missing+=(gnupg)
if [ "${#missing[@]}" -gt 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    elevate=()
    [ "$(id -u)" = 0 ] || elevate=(sudo)
    "${elevate[@]}" apt-get update -q > /dev/null
    "${elevate[@]}" apt-get install --yes --no-install-recommends -q "${missing[@]}" > /dev/null
fi
git --version
gpg --version | head -1
command -v ssh-keygen
