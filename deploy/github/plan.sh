#!/usr/bin/env bash
# Plans the pull request that fetch.sh fetched: plan.sh COMMENT
#
# Nothing of the pull request runs here, and nothing of it is checked out: a rosterd from elsewhere reads its files out of
# git, byte for byte, so that no attribute, filter or link has a say in what is planned. Where requests would go, it takes
# from the branch that the pull request is for. With ROSTERD_LIVE, a snapshot stands for the apps, and neither a credential
# nor a network is needed.
#
#   ROSTERD       the command                                 (rosterd)
#   ROSTERD_DIR   the desired-state directory                 (desired-state)
#   ROSTERD_LIVE  a snapshot, as `rosterd observe` writes it  (none: the apps are read)
set -euo pipefail

comment=${1:?usage: plan.sh COMMENT}
rosterd=${ROSTERD:-rosterd}
dir=${ROSTERD_DIR:-desired-state}
here=$(dirname "${BASH_SOURCE[0]}")

# A variable that was set when this began can be read in /proc for as long as it runs, whatever is unset meanwhile.
for name in ROSTERD_FETCH_TOKEN GH_TOKEN GITHUB_TOKEN; do
    if [ -n "${!name:-}" ]; then
        echo "plan.sh: $name is set, and what reads the files of a pull request must not have it: give it to the step before, which runs fetch.sh" >&2
        exit 64
    fi
done

if ! base=$(git rev-parse --verify --quiet 'refs/rosterd/change^1'); then
    echo 'plan.sh: there is no refs/rosterd/change: run fetch.sh first' >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

call=("$rosterd" plan "$dir" --against "$base" --head refs/rosterd/change --format markdown)
if [ -n "${ROSTERD_LIVE:-}" ]; then
    # Nothing of the environment is needed either, whatever else the job has in it.
    call=(env -i "PATH=$PATH" "HOME=${HOME:-/nonexistent}" "TMPDIR=${TMPDIR:-/tmp}" "${call[@]}" --live "$ROSTERD_LIVE")
fi

status=0
"${call[@]}" >"$work/plan.md" 2>"$work/said.txt" || status=$?
if [ -s "$work/plan.md" ]; then
    cat "$work/plan.md" >"$comment"
else
    title='no plan'
    if grep -q 'is not valid' "$work/said.txt"; then
        title='the files are not valid'
    fi
    # The errors quote lines of the pull request, so the fence has to be longer than any that they hold, and tildes are
    # taken for it because backticks are what people write. Cut first: GitHub takes 65,536 characters.
    errors=$(head -c 30000 "$work/said.txt" | { iconv -c -f UTF-8 -t UTF-8 || true; } | tr -d '\000-\010\013-\037\177' | sed 's/~~~/~ ~ ~/g')
    "$here/say.sh" "$comment" "$title" "$(printf '~~~~\n%s\n~~~~' "$errors")"
fi
# GitHub takes lines of the log for commands, and these quote the pull request: none is, up to a word that nobody knows.
stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
{
    echo "::stop-commands::$stop"
    cat "$work/said.txt"
    echo
    echo "::$stop::"
} >&2
exit "$status"
