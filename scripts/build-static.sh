#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Build one file each that needs nothing on a board but its kernel, against musl: O/MACHINE/static/ayaprof-uart, and
# what board tests run with it. For this machine's own architecture O/static leads there, too.
# Where musl is not to be had, this machine's own is built against its glibc; O/MACHINE/static/libc says which it is.
# usage: O=build build-static.sh ARCH
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 ARCH" >&2; exit 2; }
cd "$(dirname "$0")/.."
machine=$(scripts/arch.sh "$1") || exit 1
compiler=$(scripts/arch.sh "$machine" compiler)
out=${O:-build}
args=("O=$out/$machine" CROSS_COMPILE= SYSROOT= ASSERT=no "AR=$compiler-gcc-ar")
libc=musl

# Why not, on the last line.
if report=$(scripts/build-musl-libs.sh "$machine" 2>&1); then
	args+=("CC=${report##*$'\n'}/bin/cc")
	# musl's ioctl takes an int where the kernel's request numbers are unsigned.
	# Small before fast; nothing on a board unwinds its stack, and musl's start-up knows no CET.
	export CFLAGS='-Os -flto=auto -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables -Wno-sign-conversion'
	[ "$machine" != x86_64 ] || CFLAGS="$CFLAGS -fcf-protection=none"
	export LDFLAGS='-Wl,-z,noseparate-code'
elif [ "$machine" = "$(uname -m)" ]; then
	libc="glibc, because: ${report##*$'\n'}"
	args+=("CC=$compiler-gcc")
	echo "static: built against $libc" >&2
else
	echo "static: ${report##*$'\n'}" >&2
	exit 1
fi
"${MAKE:-make}" --no-print-directory "${args[@]}" "$out/$machine/static/ayaprof-uart" "$out/$machine/static/workload" "$out/$machine/static/identities"
echo "$libc" >"$out/$machine/static/libc"
[ "$machine" != "$(uname -m)" ] || {
	[ -L "$out/static" ] || rm -rf "$out/static"
	ln -sfn "$machine/static" "$out/static"
}
