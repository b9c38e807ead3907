#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Type information for a kernel of 32-bit ARM that was built without any, from its headers (Linux 6.1 to 6.7: later ones
# keep struct kmem_cache to themselves).
# usage: headers-btf.sh OUT WANTED HEADERS [SOURCE]
# HEADERS: the kernel's build directory, e.g. /usr/src/linux-headers-6.1.0-50-armmp; SOURCE: where the architecture's
# own headers are, if elsewhere (Debian: linux-headers-...-common). WANTED: build/btf/wanted_types.o. CC: the kernel's
# compiler, gcc 12 or newer. The layout is right if the compiler is of the same kind and HEADERS are this very
# kernel's; the daemon asks the kernel and refuses a file that is not.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 OUT WANTED HEADERS [SOURCE]" >&2; exit 2; }
out=$1 wanted=$2 headers=$3 source=${4:-$3}
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-$("$here/arch.sh" armhf compiler)-gcc}
command -v "$cc" >/dev/null || { echo "headers-btf: $cc is not there: install gcc-arm-linux-gnueabihf" >&2; exit 1; }
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# As the kernel's Makefile and arch/arm/Makefile have it, as far as layouts depend on it.
if ! "$cc" -nostdinc -I"$source/arch/arm/include" -I"$headers/arch/arm/include/generated" -I"$source/include" \
	-I"$headers/include" -I"$source/arch/arm/include/uapi" -I"$headers/arch/arm/include/generated/uapi" \
	-I"$source/include/uapi" -I"$headers/include/generated/uapi" -include "$source/include/linux/compiler-version.h" \
	-include "$source/include/linux/kconfig.h" -include "$source/include/linux/compiler_types.h" -D__KERNEL__ \
	-D__LINUX_ARM_ARCH__=7 -mlittle-endian -marm -msoft-float -mabi=aapcs-linux -march=armv7-a -std=gnu11 -fshort-wchar \
	-fno-strict-aliasing -w -O2 -gbtf -c -o "$tmp/types.o" "$here/../bpf/headers_types.c" 2>"$tmp/log"; then
	echo "headers-btf: $(grep -m 1 error "$tmp/log" || tail -n 1 "$tmp/log")" >&2
	exit 1
fi
mkdir -p "$(dirname "$out")"
"$bpftool" gen min_core_btf "$tmp/types.o" "$out" "$wanted"
