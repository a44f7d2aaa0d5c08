#!/usr/bin/env bash
# Puts a comment on a pull request, or edits the one that is there: comment.sh NUMBER COMMENT
#
# Where the plan left no comment, the one on the pull request is of an earlier commit; it is replaced by saying so, and the
# script fails.
#
#   GH_TOKEN           may write comments
#   GITHUB_REPOSITORY  OWNER/NAME
#   ROSTERD_LOGIN      who the comments are by  (github-actions[bot])
set -euo pipefail

number=${1:?usage: comment.sh NUMBER COMMENT}
comment=${2:?usage: comment.sh NUMBER COMMENT}
repository=${GITHUB_REPOSITORY:?GITHUB_REPOSITORY is not set}
# Handed to the filters below as variables, so that nothing in them is taken for a part of the filter.
export ROSTERD_LOGIN=${ROSTERD_LOGIN:-github-actions[bot]}
export ROSTERD_MARKER='<!-- rosterd: plan -->'
here=$(dirname "${BASH_SOURCE[0]}")
case $number in
'' | *[!0-9]*)
    echo "comment.sh: \`$number\` is not the number of a pull request" >&2
    exit 64
    ;;
esac

status=0
if [ ! -e "$comment" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo "comment.sh: the plan left no comment at $comment: it failed before it could say why; its log does" >&2
    run=${GITHUB_RUN_ID:+" ([log](${GITHUB_SERVER_URL:-https://github.com}/$repository/actions/runs/$GITHUB_RUN_ID))"}
    comment=$work/comment.md
    "$here/say.sh" "$comment" 'no plan' "The newest commit could not be planned: the job failed before it could say why$run."
    status=1
fi
first=
read -r first <"$comment" || true
if [ "$first" != "$ROSTERD_MARKER" ]; then
    echo "comment.sh: $comment does not begin with $ROSTERD_MARKER, so that it could not be found and edited; nothing was posted" >&2
    exit 1
fi

# Only a comment of our own: anybody may write one that begins with the marker.
mine=$(gh api --paginate "repos/$repository/issues/$number/comments?per_page=100" \
    --jq '.[] | select(.user.login == env.ROSTERD_LOGIN) | select(.body // "" | startswith(env.ROSTERD_MARKER)) | .id')
# The first of them: there are two only where two runs began at once.
mine=${mine%%$'\n'*}

if [ -z "$mine" ]; then
    gh api --silent --method POST "repos/$repository/issues/$number/comments" --field "body=@$comment"
    echo "commented on #$number"
    exit "$status"
fi

# As JSON, so that what people wrote never reaches the shell as anything but data.
old=$(gh api "repos/$repository/issues/comments/$mine" --jq .body | tr -d '\r')
if [ "$old" = "$(cat "$comment")" ]; then
    echo "the comment on #$number says the same already"
    exit "$status"
fi
gh api --silent --method PATCH "repos/$repository/issues/comments/$mine" --field "body=@$comment"
echo "edited the comment on #$number"
exit "$status"
