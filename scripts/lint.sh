#!/usr/bin/env bash
# Static checks over the project's files: layout of C, include rules between directories, circles of includes, banned calls, shell scripts.
# exit 0: clean; 1: findings, one line each.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
bad=0
report() { echo "lint: $*"; bad=1; }

mapfile -d '' -t c_files < <(scripts/list-files.sh '*.c' '*.h')

# Who may include what (README, "How it is built").
allowed() { # FILE-DIR INCLUDED-DIR INCLUDED FILE
	[ "$1:$3" != host:target/base/output_file.h ] || return 0 # files are created in one way
	[ "$1:$3" != host:target/base/nearest.h ] || return 0     # and what was meant is guessed in one
	case "$4:$3" in
	host/salvage/*:framing/* | host/salvage/*:host/salvage/*) return 0 ;;
	host/salvage/*) return 1 ;; # the browser's, too: bytes and frames only
	host/trace/*:host/trace/* | host/trace/*:proto/* | host/trace/*:framing/*) return 0 ;;
	host/trace/*) return 1 ;; # likewise
	esac
	case "$1:$2" in
	framing:framing | proto:proto | bpf:bpf | target:target | target:proto | target:framing | target:bpf) ;;
	host:host | host:proto | host:framing | tests:*) ;;
	*) return 1 ;;
	esac
}
while IFS=: read -r f inc; do
	from=${f%%/*} to=${inc%%/*}
	case "$to" in framing | proto | bpf | target | host) allowed "$from" "$to" "$inc" "$f" || report "$f includes $inc: ${f%/*}/ may not know ${inc%/*}/" ;; esac
done < <(sed -ns '/^#include "[a-z]*\//{F;s/^#include "\([^"]*\)".*/\1/p}' "${c_files[@]}" | paste -d: - -)

while IFS= read -r line; do
	report "$line"
done < <("${PYTHON:-python3}" scripts/include-circles.py "${c_files[@]}" 2>&1)

while IFS= read -r line; do
	report "$line: banned call"
done < <(grep -nHE '\b(sprintf|vsprintf|strcpy|strcat|atoi|atol|gets|strtok)\(' "${c_files[@]}")
while IFS= read -r f; do
	report "$f: no SPDX line"
done < <(grep -LE 'SPDX-License-Identifier' "${c_files[@]}")

# Many files at a time: to start a program for each takes longer than to look.
if command -v clang-format >/dev/null; then
	while IFS= read -r f; do
		report "$f: not formatted (make format)"
	done < <(printf '%s\0' "${c_files[@]}" | xargs -0 -n 24 -P "$(nproc)" clang-format --dry-run -Werror 2>&1 |
		sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: error:.*/\1/p' | sort -u)
fi
if command -v shellcheck >/dev/null; then
	mapfile -d '' -t sh_files < <(scripts/list-files.sh '*.sh' .ci/run packaging/busybox/S60ayaprof-uart)
	shellcheck -S warning "${sh_files[@]}" || bad=1
fi
exit $bad
