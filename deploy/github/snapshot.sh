#!/usr/bin/env bash
# Fetches the newest snapshot that a run on the main branch left: snapshot.sh DIRECTORY
#
#   GH_TOKEN           may read actions and contents
#   GITHUB_REPOSITORY  OWNER/NAME
#   ROSTERD_BRANCH     the branch whose runs are believed      (main)
#   ROSTERD_WORKFLOWS  the workflows whose snapshots they are  (rosterd-apply.yml rosterd-drift.yml)
set -euo pipefail

into=${1:?usage: snapshot.sh DIRECTORY}
repository=${GITHUB_REPOSITORY:?GITHUB_REPOSITORY is not set}
workflows=${ROSTERD_WORKFLOWS:-rosterd-apply.yml rosterd-drift.yml}
# Handed to the filter below as a variable, so that nothing in it is taken for a part of the filter.
export ROSTERD_BRANCH=${ROSTERD_BRANCH:-main}
# So many artifacts are looked at, newest first. Each takes two requests, and of ten thousand others none is ours.
most=50

# Artifacts of other branches may come from pull requests, so the branch and the repository of the run are asked for.
found=$(gh api --paginate "repos/$repository/actions/artifacts?name=rosterd-live&per_page=100" \
    --jq '.artifacts[] | select(.expired | not) | select(.workflow_run.head_branch == env.ROSTERD_BRANCH)
        | select(.workflow_run.head_repository_id == .workflow_run.repository_id)
        | "\(.created_at) \(.id) \(.workflow_run.id)"')
# By its full name: a tag may be called like the branch.
tip=$(gh api "repos/$repository/git/ref/heads/$ROSTERD_BRANCH" --jq .object.sha)

# Whether a run is one of the workflows, begun by what begins them, from a commit of the branch. The name of the branch alone
# says little: a run on a tag of that name has it too, by whatever workflow the tagged commit holds.
believed() {
    local said event sha path name status
    said=$(gh api "repos/$repository/actions/runs/$1" --jq '"\(.event) \(.head_sha) \(.path)"')
    read -r event sha path <<<"$said"
    case $event in
    push | schedule | workflow_dispatch) ;;
    *) return 1 ;;
    esac
    # GitHub may add `@` and the ref.
    name=${path%%@*}
    case " $workflows " in
    *" ${name#.github/workflows/} "*) ;;
    *) return 1 ;;
    esac
    status=$(gh api "repos/$repository/compare/$sha...$tip" --jq .status)
    [ "$status" = ahead ] || [ "$status" = identical ]
}

newest=
looked=0
while read -r created id run && [ "$looked" -lt "$most" ]; do
    looked=$((looked + 1))
    if [ -n "$id" ] && believed "$run"; then
        newest=$id
        break
    fi
done < <(LC_ALL=C sort -r <<<"$found")
if [ -z "$newest" ]; then
    echo "snapshot.sh: no run of $workflows on $ROSTERD_BRANCH has left a snapshot yet; run the drift workflow once" >&2
    exit 1
fi
mkdir -p "$into"
gh api "repos/$repository/actions/artifacts/$newest/zip" >"$into/live.zip"
unzip -o -q "$into/live.zip" live.json -d "$into"
rm "$into/live.zip"
echo "fetched the snapshot of $created, artifact $newest"
