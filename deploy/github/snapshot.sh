#!/usr/bin/env bash
# Fetches the newest snapshot that a run on the main branch left: snapshot.sh DIRECTORY
#
#   GH_TOKEN           may read actions
#   GITHUB_REPOSITORY  OWNER/NAME
#   ROSTERD_BRANCH     the branch whose runs are believed  (main)
set -euo pipefail

into=${1:?usage: snapshot.sh DIRECTORY}
repository=${GITHUB_REPOSITORY:?GITHUB_REPOSITORY is not set}
branch=${ROSTERD_BRANCH:-main}

# Artifacts of other branches may come from pull requests, so the branch and the repository of the run are asked for.
id=$(gh api "repos/$repository/actions/artifacts?name=rosterd-live&per_page=100" \
    --jq "[.artifacts[] | select(.expired | not)
        | select(.workflow_run.head_branch == \"$branch\")
        | select(.workflow_run.head_repository_id == .workflow_run.repository_id)]
        | sort_by(.created_at) | last | .id // empty")
if [ -z "$id" ]; then
    echo "snapshot.sh: no run on $branch has left a snapshot yet; run the drift workflow once" >&2
    exit 1
fi
mkdir -p "$into"
gh api "repos/$repository/actions/artifacts/$id/zip" >"$into/live.zip"
unzip -o -q "$into/live.zip" live.json -d "$into"
rm "$into/live.zip"
echo "fetched the snapshot of artifact $id"
