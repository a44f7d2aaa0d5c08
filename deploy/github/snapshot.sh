#!/usr/bin/env bash
# Fetches the newest snapshot that a run on the main branch left: snapshot.sh DIRECTORY
#
#   GH_TOKEN           may read actions
#   GITHUB_REPOSITORY  OWNER/NAME
#   ROSTERD_BRANCH     the branch whose runs are believed  (main)
set -euo pipefail

into=${1:?usage: snapshot.sh DIRECTORY}
repository=${GITHUB_REPOSITORY:?GITHUB_REPOSITORY is not set}
# Handed to the filter below as a variable, so that nothing in it is taken for a part of the filter.
export ROSTERD_BRANCH=${ROSTERD_BRANCH:-main}

# Artifacts of other branches may come from pull requests, so the branch and the repository of the run are asked for.
found=$(gh api --paginate "repos/$repository/actions/artifacts?name=rosterd-live&per_page=100" \
    --jq '.artifacts[] | select(.expired | not) | select(.workflow_run.head_branch == env.ROSTERD_BRANCH)
        | select(.workflow_run.head_repository_id == .workflow_run.repository_id) | "\(.created_at) \(.id)"')
newest=$(LC_ALL=C sort <<<"$found" | tail -n 1)
id=${newest##* }
if [ -z "$id" ]; then
    echo "snapshot.sh: no run on $ROSTERD_BRANCH has left a snapshot yet; run the drift workflow once" >&2
    exit 1
fi
mkdir -p "$into"
gh api "repos/$repository/actions/artifacts/$id/zip" >"$into/live.zip"
unzip -o -q "$into/live.zip" live.json -d "$into"
rm "$into/live.zip"
echo "fetched the snapshot of ${newest% *}, artifact $id"
