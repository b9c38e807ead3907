#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Get the headers of a Debian kernel, downloaded and unpacked, never installed.
# usage: fetch-headers.sh ARCH RELEASE        e.g. armv7l 6.1.0-50-armmp
# Prints two directories, one a line: the build's, and what all flavours have in common.
# exit 0: there; 1: not to be had, one line on stderr says why.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../scripts/apt-private.sh
. "$(dirname "$0")/../../scripts/apt-private.sh"

[ $# -eq 2 ] || { echo "usage: $0 ARCH RELEASE" >&2; exit 2; }
arch=$1 release=$2
deb_arch=$(debian_arch "$arch")
common=linux-headers-$(cut -d- -f1-2 <<<"$release")-common
cache_lock
dir=$BOARD_CACHE/headers-$release
if [ ! -e "$dir" ]; then
	apt_for "$deb_arch" "$BOARD_SUITES" || fail "$why"
	echo "boards: downloading linux-headers-$release" >&2
	rm -rf "$dir.new"
	apt_fetch "$dir.new" "linux-headers-$release:$deb_arch" "$common:all" || fail "$why"
	mv "$dir.new" "$dir"
fi
echo "$dir/usr/src/linux-headers-$release"
echo "$dir/usr/src/$common"
