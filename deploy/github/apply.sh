#!/usr/bin/env bash
# Applies what was merged, and leaves a snapshot for the next plans: apply.sh SNAPSHOT
#
#   ROSTERD       the command                  (rosterd)
#   ROSTERD_DIR   the desired-state directory  (desired-state)
set -euo pipefail

snapshot=${1:?usage: apply.sh SNAPSHOT}
rosterd=${ROSTERD:-rosterd}
dir=${ROSTERD_DIR:-desired-state}
summary=${GITHUB_STEP_SUMMARY:-/dev/null}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# GitHub runs lines of the log as commands, and names come from apps in which people choose their own. Up to a word that
# nobody knows, GitHub runs none.
stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
# One stream, so that nothing of the other one comes later.
exec 2>&1
echo "::stop-commands::$stop"
status=0
"$rosterd" apply "$dir" --yes --detailed-exitcode | tee "$work/apply.txt" || status=$?
# Also after a failure: plans are then made against what is really there.
observed=0
"$rosterd" observe "$dir" --out "$snapshot" || observed=$?
echo
echo "::$stop::"
if [ "$observed" -ne 0 ]; then
    echo 'apply.sh: not every app could be read for the snapshot'
fi
{
    echo '### rosterd apply'
    echo
    echo '~~~~'
    # Cut first: a summary may measure a megabyte, and a reader that ends early would fail the step.
    head -c 500000 "$work/apply.txt" | { iconv -c -f UTF-8 -t UTF-8 || true; } | sed 's/~~~/~ ~ ~/g'
    echo '~~~~'
} >>"$summary"

case $status in
0) echo 'all is in sync' ;;
# What waits is taken up by later runs, and what is held or by hand was shown on the pull request.
3) echo 'all that could be done was done; the rest waits on someone else' ;;
*) exit "$status" ;;
esac
