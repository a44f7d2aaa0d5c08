#!/usr/bin/env bash
# Writes a comment of a few words, for when there is no plan: say.sh COMMENT TITLE TEXT
set -euo pipefail

comment=${1:?usage: say.sh COMMENT TITLE TEXT}
title=${2:?usage: say.sh COMMENT TITLE TEXT}
text=${3:?usage: say.sh COMMENT TITLE TEXT}

# The marker is the first line of every comment of ours, by which comment.sh finds the one to edit.
printf '%s\n### rosterd: %s\n\n%s\n' '<!-- rosterd: plan -->' "$title" "$text" >"$comment"
