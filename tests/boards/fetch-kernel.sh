#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Get a Debian kernel for an emulated board: the newest of a series, downloaded and unpacked, never installed.
# usage: fetch-kernel.sh ARCH SERIES FLAVOUR        e.g. x86_64 6.1 cloud-amd64
# Prints the directory that then holds vmlinuz, version and root/: lib/modules/VERSION (depmod done), boot/ and,
# below usr/lib/linux-image-VERSION, device trees.
# exit 0: there; 1: not to be had, one line on stderr says why. AYAPROF_BOARD_CACHE overrides where it is kept;
# remove the directory to have it fetched anew.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../scripts/apt-private.sh
. "$(dirname "$0")/../../scripts/apt-private.sh"
PATH=$PATH:/usr/sbin:/sbin

[ $# -eq 3 ] || { echo "usage: $0 ARCH SERIES FLAVOUR" >&2; exit 2; }
arch=$1 series=$2 flavour=$3
deb_arch=$(debian_arch "$arch")
cache_lock
dir=$BOARD_CACHE/kernel-$series-$flavour
if [ -e "$dir/version" ]; then
	echo "$dir"
	exit 0
fi
command -v depmod >/dev/null || fail "depmod is missing: install kmod"

# Where each series is maintained, looked at in turn; "own": what the machine is configured for anyway.
case "$series" in
5.10) places=("bullseye bullseye-security" bullseye) ;;
*) places=(own "$BOARD_SUITES") ;;
esac

# The newest that can be downloaded: lists may name files that their mirror has not yet, or has no more.
newest() {
	local name
	for name in $(apt_names "^linux-image-${series//./\\.}\.[0-9a-z.+]+(-[0-9][0-9a-z.]*)?-$flavour\$" | sort -rV | head -n 4); do
		echo "boards: downloading $name" >&2
		rm -rf "$tmp"
		mkdir -p "$tmp"
		apt_fetch "$tmp/root" "$name:$deb_arch" || continue
		version=${name#linux-image-}
		return 0
	done
	[ -n "${name:-}" ] || why="no Debian kernel $series $flavour in the package lists"
	return 1
}

tmp=$dir.new
version=
for suites in "${places[@]}"; do
	[ "$suites" = own ] && [ "$deb_arch" != "$(dpkg --print-architecture)" ] && continue
	apt_for "$deb_arch" "$suites" || continue
	newest && break
done
[ -n "$version" ] || fail "$why"

# Debian's merged /usr: newer packages keep modules below usr/lib.
[ -d "$tmp/root/lib/modules" ] || ln -sfn usr/lib "$tmp/root/lib"
[ -e "$tmp/root/boot/vmlinuz-$version" ] || fail "linux-image-$version holds no boot/vmlinuz-$version"
mv "$tmp/root/boot/vmlinuz-$version" "$tmp/vmlinuz"
depmod -b "$tmp/root" "$version" 2>/dev/null || fail "depmod failed for $version"
echo "$version" >"$tmp/version"
rm -rf "$dir"
mv "$tmp" "$dir"
echo "$dir"
