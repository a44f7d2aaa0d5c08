#!/usr/bin/env bash
# Puts a comment on a pull request, or edits the one that is there: comment.sh NUMBER COMMENT
#
#   GH_TOKEN           may write comments
#   GITHUB_REPOSITORY  OWNER/NAME
#   ROSTERD_LOGIN      who the comments are by  (github-actions[bot])
set -euo pipefail

number=${1:?usage: comment.sh NUMBER COMMENT}
comment=${2:?usage: comment.sh NUMBER COMMENT}
repository=${GITHUB_REPOSITORY:?GITHUB_REPOSITORY is not set}
login=${ROSTERD_LOGIN:-github-actions[bot]}
marker='<!-- rosterd: plan -->'

if [ "$(head -n 1 "$comment")" != "$marker" ]; then
    echo "comment.sh: $comment does not begin with $marker" >&2
    exit 1
fi

# Only a comment of our own: anybody may write one that begins with the marker.
# The bodies come as JSON, so that what people wrote never reaches the shell.
mine=$(gh api --paginate "repos/$repository/issues/$number/comments" \
    --jq ".[] | select(.user.login == \"$login\") | select(.body | startswith(\"$marker\")) | .id" | head -n 1)

if [ -z "$mine" ]; then
    gh api --silent --method POST "repos/$repository/issues/$number/comments" --field "body=@$comment"
    echo "commented on #$number"
    exit 0
fi

old=$(gh api "repos/$repository/issues/comments/$mine" --jq .body | tr -d '\r')
if [ "$old" = "$(cat "$comment")" ]; then
    echo "the comment on #$number says the same already"
    exit 0
fi
gh api --silent --method PATCH "repos/$repository/issues/comments/$mine" --field "body=@$comment"
echo "edited the comment on #$number"
