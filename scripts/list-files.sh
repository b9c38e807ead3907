#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The project's own files, each ended by NUL: what git tracks or would track; in a release archive, which has no git,
# everything but what building leaves.
# usage: list-files.sh [PATTERN...]      patterns as of a shell's case, against the file's path; none: all
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(git rev-parse --show-prefix 2>/dev/null; git rev-parse --is-inside-work-tree 2>/dev/null)" = "
true" ]; then
	all() { git ls-files -co --exclude-standard -z; }
else
	all() { find . -path ./build -prune -o -path './build-*' -prune -o -name __pycache__ -prune -o \( -type f -o -type l \) -printf '%P\0'; }
fi
all | while IFS= read -r -d '' file; do
	[ -e "$file" ] || continue
	[ $# -gt 0 ] || printf '%s\0' "$file"
	for pattern; do
		# shellcheck disable=SC2254 # a pattern is meant
		case "$file" in $pattern)
			printf '%s\0' "$file"
			break
			;;
		esac
	done
done
