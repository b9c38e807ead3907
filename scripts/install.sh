#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Install the board's half or the desk's half of the project, or remove both.
# usage: install.sh target|host|remove     Environment: O (build directory), DESTDIR, PREFIX (/usr/local), MAKE
# Each row of the list is MODE, what, where below DESTDIR and PREFIX; removing goes through the same list.
set -euo pipefail
cd "$(dirname "$0")/.."

O=${O:-build}
root=${DESTDIR:-}${PREFIX:-/usr/local}

# Text of the repository, where README's links find it.
documents() { # below share/doc
	echo "644 README.md share/doc/$1/README.md"
	echo "644 LICENSE share/doc/$1/LICENSE"
	echo "644 proto/PROTOCOL.md share/doc/$1/proto/PROTOCOL.md"
	local file
	for file in docs/*; do
		echo "644 $file share/doc/$1/$file"
	done
}

# A program for another machine cannot tell what its options are.
pages() { # PROGRAM SECTION
	if [ "$what" != remove ]; then
		if ! "$O/$1" --version >/dev/null 2>&1; then
			echo "install: $1 does not run here: no man page and no completion for it" >&2
			return
		fi
		"${MAKE:-make}" -s --no-print-directory O="$O" pages-"$1" >&2
	fi
	echo "644 $O/man/$1.$2 share/man/man$2/$1.$2"
	echo "644 $O/completion/$1 share/bash-completion/completions/$1"
}

# What is there only if it was made.
optional() { # MODE FILE WHERE
	[ ! -e "$2" ] || echo "$@"
}

target_files() {
	echo "755 $O/ayaprof-uart bin/ayaprof-uart"
	pages ayaprof-uart 8
	documents ayaprof-uart
	echo "644 packaging/systemd/ayaprof-uart@.service lib/systemd/system/ayaprof-uart@.service"
	echo "755 packaging/busybox/S60ayaprof-uart share/doc/ayaprof-uart/examples/S60ayaprof-uart"
	echo "644 packaging/ayaprof-uart.default share/doc/ayaprof-uart/examples/ayaprof-uart.default"
	optional 644 "$O/man/ayaprof-uart.conf" share/doc/ayaprof-uart/examples/ayaprof-uart.conf
	local file
	for file in "$O"/btf/*.btf; do
		optional 644 "$file" "share/ayaprof-uart/btf/${file##*/}"
	done
}

host_files() {
	echo "755 $O/hostdec bin/hostdec"
	pages hostdec 1
	documents hostdec
	echo 644 packaging/udev/60-ayaprof-uart.rules share/doc/hostdec/examples/60-ayaprof-uart.rules
}

copy() {
	local mode from to
	while read -r mode from to; do
		install -D -m "$mode" "$from" "$root/$to"
		# Services call the program where it is.
		case "$to" in
		*/ayaprof-uart@.service | */S60ayaprof-uart) sed -i "s#/usr/bin/#${PREFIX:-/usr/local}/bin/#" "$root/$to" ;;
		esac
	done
}

remove() {
	local mode from to
	while read -r mode from to; do
		rm -f "$root/$to"
		# Directories of its own; of others' only what it left empty there.
		case "$to" in
		share/doc/* | share/ayaprof-uart/*) (cd "$root" 2>/dev/null && rmdir -p --ignore-fail-on-non-empty "${to%/*}" 2>/dev/null) || : ;;
		esac
	done
}

what=${1:-}
case "$what" in
target) target_files | copy ;;
host) host_files | copy ;;
remove) { target_files; host_files; } | remove ;;
*) echo "usage: $0 target|host|remove" >&2; exit 2 ;;
esac
