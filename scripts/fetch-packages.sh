#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Unpack Debian packages of a board's architecture (its busybox; the libraries a static program is linked from).
# usage: fetch-packages.sh ARCH NAME PACKAGE...     NAME: of the set, a directory in the cache; +PACKAGE: with
#                                                   everything it depends on
# Prints the directory they are unpacked below. exit 0: there; 1: not to be had, one line on stderr says why.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=apt-private.sh
. "$(dirname "$0")/apt-private.sh"

[ $# -ge 3 ] || { echo "usage: $0 ARCH NAME PACKAGE..." >&2; exit 2; }
arch=$1 name=$2
shift 2
deb_arch=$(debian_arch "$arch")
cache_lock
dir=$BOARD_CACHE/$name-$arch
if [ "$(cat "$dir/packages" 2>/dev/null)" = "$*" ]; then
	echo "$dir"
	exit 0
fi
tmp=$dir.new

fetch_each() {
	local package
	for package in "$@"; do
		case "$package" in
		+*) apt_fetch_all "$tmp" "${package#+}:$deb_arch" || return 1 ;;
		*) apt_fetch "$tmp" "$package:$deb_arch" || return 1 ;;
		esac
	done
}

for suites in own "$BOARD_SUITES"; do
	[ "$suites" = own ] && [ "$deb_arch" != "$(dpkg --print-architecture)" ] && continue
	apt_for "$deb_arch" "$suites" || continue
	echo "boards: downloading $* ($deb_arch)" >&2
	rm -rf "$tmp"
	fetch_each "$@" || continue
	echo "$*" >"$tmp/packages"
	rm -rf "$dir"
	mv "$tmp" "$dir"
	echo "$dir"
	exit 0
done
fail "$why"
