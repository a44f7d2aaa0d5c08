#!/usr/bin/env bash
# Reports drift in one issue that is opened, edited and closed in place: drift.sh SNAPSHOT
#
#   GH_TOKEN           may write issues
#   GITHUB_REPOSITORY  OWNER/NAME
#   ROSTERD            the command                  (rosterd)
#   ROSTERD_DIR        the desired-state directory  (desired-state)
#   ROSTERD_LOGIN      who the issue is by          (github-actions[bot])
set -euo pipefail

snapshot=${1:?usage: drift.sh SNAPSHOT}
repository=${GITHUB_REPOSITORY:?GITHUB_REPOSITORY is not set}
rosterd=${ROSTERD:-rosterd}
dir=${ROSTERD_DIR:-desired-state}
login=${ROSTERD_LOGIN:-github-actions[bot]}
title='rosterd: the apps have drifted from the files'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One reading serves both the report and the snapshot.
observed=0
"$rosterd" observe "$dir" --out "$snapshot" || observed=$?
status=0
"$rosterd" plan "$dir" --live "$snapshot" --format markdown --detailed-exitcode >"$work/plan.md" || status=$?
if [ ! -s "$work/plan.md" ]; then
    echo 'drift.sh: there is no plan to report' >&2
    exit 1
fi
cat "$work/plan.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"

open=$(gh api --paginate "repos/$repository/issues?state=open&creator=$login" \
    --jq ".[] | select(.pull_request == null) | select(.title == \"$title\") | .number" | head -n 1)

# 0: in sync. 3: what is left waits on someone else, which is no drift. 1: an app could not be read, which somebody has to
# see as well.
case $status in
0 | 3)
    if [ -n "$open" ]; then
        gh api --silent --method PATCH "repos/$repository/issues/$open" --field state=closed --field "body=@$work/plan.md"
        echo "closed #$open: the apps are as the files say"
    fi
    ;;
*)
    if [ -n "$open" ]; then
        gh api --silent --method PATCH "repos/$repository/issues/$open" --field "body=@$work/plan.md"
        echo "edited #$open"
    else
        gh api --silent --method POST "repos/$repository/issues" --field "title=$title" --field "body=@$work/plan.md"
        echo 'opened an issue'
    fi
    ;;
esac
[ "$status" -ne 1 ] && [ "$observed" -eq 0 ]
