#!/usr/bin/env bash
# Makes the command `rosterd` available to the next steps: one that is there, one that is downloaded and is what was
# expected, or one that is built. It is never fetched by its name alone, under which anybody could publish something.
#
#   ROSTERD_URL     a build of it: the command itself, or a .tar.gz with it
#   ROSTERD_SHA256  the SHA-256 of what is there, which has to fit
#   ROSTERD_SOURCE  a directory with its sources, to build from
set -euo pipefail

url=${ROSTERD_URL:-}
sha256=${ROSTERD_SHA256:-}
source=${ROSTERD_SOURCE:-}
into=$HOME/.rosterd/bin

refuse() {
    echo "install.sh: $1" >&2
    exit 1
}

checksum() {
    if command -v sha256sum >/dev/null; then
        sha256sum "$1"
    else
        shasum -a 256 "$1"
    fi
}

if [ -n "$url" ]; then
    case $url in
    https://*) ;;
    *) refuse "ROSTERD_URL is \`$url\`, and has to begin with https://" ;;
    esac
    if [[ ! $sha256 =~ ^[0-9a-fA-F]{64}$ ]]; then
        refuse 'ROSTERD_SHA256 has to be the SHA-256 of what is at ROSTERD_URL, in 64 hexadecimal digits'
    fi
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    curl --fail --silent --show-error --location --proto '=https' --retry 3 --output "$work/download" "$url"
    found=$(checksum "$work/download")
    found=${found%% *}
    if [ "$found" != "$(tr 'A-F' 'a-f' <<<"$sha256")" ]; then
        refuse "what is at $url is not what was expected, and was not installed: its SHA-256 is $found instead of $sha256"
    fi
    case $url in
    *.tar.gz | *.tgz)
        mkdir "$work/unpacked"
        tar --extract --gzip --no-same-owner --file "$work/download" --directory "$work/unpacked"
        binary=$(find "$work/unpacked" -type f -name rosterd | LC_ALL=C sort | sed -n 1p)
        if [ -z "$binary" ]; then
            refuse "there is no file \`rosterd\` in $url"
        fi
        ;;
    *) binary=$work/download ;;
    esac
    mkdir -p "$into"
    install -m 0755 "$binary" "$into/rosterd"
elif [ -n "$source" ]; then
    cargo install --locked --root "$HOME/.rosterd" --path "$source"
elif command -v rosterd >/dev/null; then
    rosterd --version
    exit 0
else
    refuse 'there is no rosterd here: set ROSTERD_URL and ROSTERD_SHA256 (or ROSTERD_SOURCE), or put it on the PATH of the runner'
fi
echo "$into" >>"${GITHUB_PATH:-/dev/null}"
"$into/rosterd" --version
