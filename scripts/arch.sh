#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Look an architecture up in architectures.txt, by the kernel's name (uname -m) or Debian's.
# usage: arch.sh NAME [machine|debian|compiler|musl|emulator]...      default: machine
# Prints what is asked for, on one line. exit 1: there is no such architecture.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 NAME [machine|debian|compiler|musl|emulator]..." >&2; exit 2; }
name=$1
shift
[ $# -gt 0 ] || set -- machine
row=
while read -r machine debian compiler musl emulator; do
	case "$machine" in '' | \#*) continue ;; esac
	known="${known:+$known, }$debian ($machine)"
	if [ "$name" = "$machine" ] || [ "$name" = "$debian" ]; then
		row="machine=$machine debian=$debian compiler=$compiler musl=$musl emulator=$emulator"
		break
	fi
done <"$(dirname "$0")/architectures.txt"
[ -n "$row" ] || { echo "unknown architecture $name; there are $known" >&2; exit 1; }
out=
for field; do
	case " $row " in
	*" $field="*) ;;
	*) echo "${0##*/}: no field $field" >&2; exit 2 ;;
	esac
	value=${row##*"$field="}
	out="${out:+$out }${value%% *}"
done
echo "$out"
