#!/usr/bin/env bash
# Static checks over the project's files: layout of C, include rules between directories, banned calls, shell scripts.
# exit 0: clean; 1: findings, one line each.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
bad=0
report() { echo "lint: $*"; bad=1; }

mapfile -d '' -t c_files < <(scripts/list-files.sh '*.c' '*.h')

# Who may include what (README, "Architecture").
allowed() { # FILE-DIR INCLUDED-DIR
	case "$1:$2" in
	framing:framing | proto:proto | bpf:bpf | target:target | target:proto | target:framing | target:bpf) ;;
	host:host | host:proto | host:framing | tests:*) ;;
	*) return 1 ;;
	esac
}
for f in "${c_files[@]}"; do
	from=${f%%/*}
	while IFS= read -r inc; do
		to=${inc%%/*}
		case "$to" in framing | proto | bpf | target | host) allowed "$from" "$to" || report "$f includes $inc: $from/ may not know $to/" ;; esac
	done < <(sed -n 's/^#include "\([a-z]*\/[^"]*\)".*/\1/p' "$f")
done

for f in "${c_files[@]}"; do
	grep -nE '\b(sprintf|vsprintf|strcpy|strcat|atoi|atol|gets|strtok)\(' "$f" /dev/null |
		while IFS= read -r l; do report "$l: banned call"; done
	head -3 "$f" | grep -q 'SPDX-License-Identifier' || report "$f: no SPDX line"
done
grep -lE '\b(sprintf|vsprintf|strcpy|strcat|atoi|atol|gets|strtok)\(' "${c_files[@]}" >/dev/null && bad=1

if command -v clang-format >/dev/null; then
	for f in "${c_files[@]}"; do
		clang-format --dry-run -Werror "$f" >/dev/null 2>&1 || report "$f: not formatted (make format)"
	done
fi
if command -v shellcheck >/dev/null; then
	mapfile -d '' -t sh_files < <(scripts/list-files.sh '*.sh' .ci/run packaging/busybox/S60ayaprof-uart)
	shellcheck -S warning "${sh_files[@]}" || bad=1
fi
exit $bad
