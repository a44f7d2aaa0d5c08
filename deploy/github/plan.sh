#!/usr/bin/env bash
# Plans a pull request: plan.sh NUMBER COMMENT
#
# Nothing of the pull request runs here. Its files are laid out in a directory of their own, as plain data, and a rosterd
# from elsewhere reads them; where requests would go, it takes from the branch that the pull request is for. With
# ROSTERD_LIVE, a snapshot stands for the apps, and neither a credential nor a network is needed.
#
#   ROSTERD              the command                                 (rosterd)
#   ROSTERD_DIR          the desired-state directory                 (desired-state)
#   ROSTERD_LIVE         a snapshot, as `rosterd observe` writes it  (none: the apps are read)
#   ROSTERD_FETCH_TOKEN  may read the repository, where that takes a token
set -euo pipefail

number=${1:?usage: plan.sh NUMBER COMMENT}
comment=${2:?usage: plan.sh NUMBER COMMENT}
rosterd=${ROSTERD:-rosterd}
dir=${ROSTERD_DIR:-desired-state}
case $number in
'' | *[!0-9]*)
    echo "plan.sh: \`$number\` is not the number of a pull request" >&2
    exit 64
    ;;
esac

say() {
    # The marker is the first line of every comment of ours, by which comment.sh finds the one to edit.
    printf '%s\n### rosterd: %s\n\n%s\n' '<!-- rosterd: plan -->' "$1" "$2" >"$comment"
}

# What would be merged, not the branch alone: a branch that lags behind would seem to take back what others merged.
fetch() {
    local token=${ROSTERD_FETCH_TOKEN:-}
    # In the environment of this one command, so that it is neither in a file nor seen by what comes after.
    if [ -n "$token" ]; then
        GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0='http.extraheader' \
            GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$token" | base64 | tr -d '\n')" \
            git "$@"
    else
        git "$@"
    fi
}
if ! fetch fetch --quiet --no-tags --depth=2 origin "+refs/pull/$number/merge:refs/rosterd/change"; then
    say 'no plan' 'This pull request cannot be merged as it is, so there is nothing to plan. Resolve the conflicts first.'
    exit 1
fi
unset ROSTERD_FETCH_TOKEN
base=$(git rev-parse 'refs/rosterd/change^1')

work=$(mktemp -d)
trap 'git worktree remove --force "$work/change" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

# No hooks, no large-file download from where the pull request says, and links become plain files.
GIT_LFS_SKIP_SMUDGE=1 git -c core.hooksPath=/dev/null -c core.symlinks=false -c core.fsmonitor=false \
    worktree add --quiet --detach "$work/change" refs/rosterd/change

args=(plan "$work/change/$dir" --against "$base" --format markdown)
if [ -n "${ROSTERD_LIVE:-}" ]; then
    args+=(--live "$ROSTERD_LIVE")
fi

status=0
"$rosterd" "${args[@]}" >"$work/plan.md" 2>"$work/errors.txt" || status=$?
if [ -s "$work/plan.md" ]; then
    cat "$work/plan.md" >"$comment"
else
    # The errors quote lines of the pull request, so the fence has to be longer than any that they hold, and tildes are
    # taken for it because backticks are what people write.
    errors=$(sed "s|$work/change/||g" "$work/errors.txt" | tr -d '\r' | sed 's/~~~/~ ~ ~/g' | head -c 50000)
    say 'the files are not valid' "$(printf '~~~~\n%s\n~~~~' "$errors")"
fi
sed "s|$work/change/||g" "$work/errors.txt" >&2
exit "$status"
