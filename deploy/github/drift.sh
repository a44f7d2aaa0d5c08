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
# Handed to the filter below as variables, so that nothing in them is taken for a part of the filter.
export ROSTERD_LOGIN=${ROSTERD_LOGIN:-github-actions[bot]}
export ROSTERD_TITLE='rosterd: the apps have drifted from the files'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# GitHub runs lines of the log as commands, and names come from apps in which people choose their own. Up to a word that
# nobody knows, GitHub runs none.
stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
# One stream, so that nothing of the other one comes later.
exec 2>&1
echo "::stop-commands::$stop"
# One reading serves both the report and the snapshot.
observed=0
"$rosterd" observe "$dir" --out "$snapshot" || observed=$?
status=0
"$rosterd" plan "$dir" --live "$snapshot" --format markdown --detailed-exitcode >"$work/plan.md" || status=$?
echo
echo "::$stop::"
if [ ! -s "$work/plan.md" ]; then
    echo 'drift.sh: there is no plan to report' >&2
    exit 1
fi
cat "$work/plan.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"

# Only an issue of our own: anybody may open one of this title. Pull requests are issues too, and are none of ours.
open=$(gh api --paginate "repos/$repository/issues?state=open&per_page=100" \
    --jq '.[] | select(.pull_request == null) | select(.user.login == env.ROSTERD_LOGIN)
        | select(.title == env.ROSTERD_TITLE) | .number')
open=${open%%$'\n'*}

# 0: in sync. 3: what is left waits. An invitation that is not accepted yet is no drift; what a guard holds and what a
# person has to do by hand is, and so is an app that could not be read.
drifted=1
case $status in
0) drifted=0 ;;
3)
    title=$(grep -m 1 '^### ' "$work/plan.md" || true)
    case $title in
    *' held'* | *' by hand'*) ;;
    *) drifted=0 ;;
    esac
    ;;
esac
if [ "$observed" -ne 0 ]; then
    drifted=1
fi

if [ "$drifted" -eq 0 ]; then
    if [ -n "$open" ]; then
        gh api --silent --method PATCH "repos/$repository/issues/$open" --field state=closed --field "body=@$work/plan.md"
        echo "closed #$open: the apps are as the files say"
    else
        echo 'the apps are as the files say'
    fi
elif [ -n "$open" ]; then
    gh api --silent --method PATCH "repos/$repository/issues/$open" --field "body=@$work/plan.md"
    echo "edited #$open"
else
    gh api --silent --method POST "repos/$repository/issues" --field "title=$ROSTERD_TITLE" --field "body=@$work/plan.md"
    echo 'opened an issue'
fi
if [ "$status" -eq 1 ] || [ "$observed" -ne 0 ]; then
    echo 'drift.sh: not every app could be read; the report says which' >&2
    exit 1
fi
