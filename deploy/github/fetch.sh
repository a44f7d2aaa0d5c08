#!/usr/bin/env bash
# Fetches what would be merged, as refs/rosterd/change, and runs nothing of it: fetch.sh NUMBER COMMENT
#
# It is a step of its own, so that no process that holds the token is left when the files are read. COMMENT is written only
# where there is nothing to fetch.
#
#   ROSTERD_FETCH_TOKEN  may read the repository, where that takes a token
#   ROSTERD_HEAD         the newest commit of the pull request         (none: whichever was merged last on trial)
#   ROSTERD_WAITS        seconds to wait before each further attempt   (2 4 8 16 30)
set -euo pipefail

number=${1:?usage: fetch.sh NUMBER COMMENT}
comment=${2:?usage: fetch.sh NUMBER COMMENT}
head=${ROSTERD_HEAD:-}
here=$(dirname "${BASH_SOURCE[0]}")
case $number in
'' | *[!0-9]*)
    echo "fetch.sh: \`$number\` is not the number of a pull request" >&2
    exit 64
    ;;
esac

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# The token goes into the environment of this one command, and to the repository's own server alone.
fetch() {
    local token=${ROSTERD_FETCH_TOKEN:-} server=${GITHUB_SERVER_URL:-https://github.com}
    local args=(fetch --quiet --no-tags --no-recurse-submodules --depth=2 origin
        "+refs/pull/$number/merge:refs/rosterd/change")
    if [ -n "$token" ]; then
        LC_ALL=C GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$server/.extraheader" \
            GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$token" | base64 | tr -d '\n')" \
            git "${args[@]}" 2>"$errors"
    else
        LC_ALL=C git "${args[@]}" 2>"$errors"
    fi
}

# What an earlier run on the same machine fetched must not be taken for this one's.
git update-ref -d refs/rosterd/change

# What would be merged, not the branch alone: a branch that lags behind would seem to take back what others merged. GitHub
# makes that commit some time after a push, and keeps the last one where there are conflicts since, so that it is looked at
# whether it holds the newest commit.
read -r -a waits <<<"${ROSTERD_WAITS:-2 4 8 16 30}"
for wait in "${waits[@]}" last; do
    if fetch; then
        if [ -z "$head" ] || [ "$(git rev-parse 'refs/rosterd/change^2')" = "$head" ]; then
            exit 0
        fi
    elif ! grep -qi "find remote ref" "$errors"; then
        # GitHub runs lines of the log as commands, and the server words these. Up to a word that nobody knows, it runs none.
        stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
        {
            echo "::stop-commands::$stop"
            cat "$errors"
            echo
            echo "::$stop::"
        } >&2
        echo "fetch.sh: pull request $number could not be fetched" >&2
        exit 1
    fi
    if [ "$wait" != last ]; then
        sleep "$wait"
    fi
done
git update-ref -d refs/rosterd/change
"$here/say.sh" "$comment" 'no plan' \
    'The newest commit of this pull request cannot be merged as it is, so there is nothing to plan. Resolve the conflicts first.'
echo "fetch.sh: the newest commit of pull request $number has no merge on trial: it conflicts, or GitHub is late" >&2
exit 1
