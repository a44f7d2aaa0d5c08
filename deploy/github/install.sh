#!/usr/bin/env bash
# Makes the command `rosterd` available to the next steps.
#
#   ROSTERD_SOURCE  a directory with its sources to build from  (none: the released version)
#   ROSTERD_VERSION which version to install                    (the newest)
set -euo pipefail

if command -v rosterd >/dev/null; then
    rosterd --version
    exit 0
fi
args=(install --locked --root "$HOME/.rosterd")
if [ -n "${ROSTERD_SOURCE:-}" ]; then
    args+=(--path "$ROSTERD_SOURCE")
else
    args+=(rosterd)
    if [ -n "${ROSTERD_VERSION:-}" ]; then
        args+=(--version "$ROSTERD_VERSION")
    fi
fi
cargo "${args[@]}"
echo "$HOME/.rosterd/bin" >>"${GITHUB_PATH:-/dev/null}"
"$HOME/.rosterd/bin/rosterd" --version
