#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Get a Debian cloud kernel for an emulated board: the newest of a series, downloaded and unpacked, never installed.
# usage: fetch-kernel.sh ARCH SERIES        e.g. x86_64 6.1
# Prints the directory that then holds vmlinuz, version and root/lib/modules/VERSION (depmod done).
# exit 0: there; 1: not to be had, one line on stderr says why. AYAPROF_BOARD_CACHE overrides where it is kept;
# remove the directory to have it fetched anew.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../scripts/apt-private.sh
. "$(dirname "$0")/../../scripts/apt-private.sh"
PATH=$PATH:/usr/sbin:/sbin

[ $# -eq 2 ] || { echo "usage: $0 ARCH SERIES" >&2; exit 2; }
arch=$1 series=$2
deb_arch=$(debian_arch "$arch")
cache_lock
dir=$BOARD_CACHE/kernel-$arch-$series
if [ -e "$dir/version" ]; then
	echo "$dir"
	exit 0
fi
command -v depmod >/dev/null || fail "depmod is missing: install kmod"

# Where each series is maintained, looked at in turn; "own": what the machine is configured for anyway.
case "$series" in
5.10) places=("bullseye bullseye-security") ;;
*) places=(own "$BOARD_SUITES") ;;
esac

tmp=$dir.new
version=
for suites in "${places[@]}"; do
	[ "$suites" = own ] && [ "$deb_arch" != "$(dpkg --print-architecture)" ] && continue
	apt_for "$deb_arch" "$suites" || continue
	name=$(apt_names "^linux-image-${series//./\\.}\..*-cloud-$deb_arch\$" | { grep -v unsigned || true; } | sort -V | tail -n 1)
	[ -n "$name" ] || { why="no Debian cloud kernel $series for $deb_arch in the package lists"; continue; }
	echo "boards: downloading $name" >&2
	rm -rf "$tmp"
	mkdir -p "$tmp"
	apt_fetch "$tmp/root" "$name:$deb_arch" || continue
	version=${name#linux-image-}
	break
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
