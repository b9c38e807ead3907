#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# What a small static program for a board is built with: musl, the kernel's headers, and the libraries of the
# board's program compiled against musl, because Debian's are compiled against glibc's inner workings.
# Everything comes from Debian, musl as a package of the board's architecture, the libraries as source packages; it
# is kept in a cache and never installed.
# usage: build-musl-libs.sh ARCH      prints a directory: bin/cc compiles and links with all of it, by -static or -static-pie
# exit 0: there; 1: not to be had, one line on stderr says why. Remove the directory to have it built anew.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=apt-private.sh
. "$(dirname "$0")/apt-private.sh"
here=$(cd "$(dirname "$0")" && pwd)

[ $# -eq 1 ] || { echo "usage: $0 ARCH" >&2; exit 2; }
arch=$("$here/arch.sh" "$1") || exit 1
read -r compiler musl < <("$here/arch.sh" "$arch" compiler musl)
sysroot=$("$here/fetch-packages.sh" "$arch" musl musl-dev linux-libc-dev)
command -v "$compiler-gcc" >/dev/null || fail "$compiler-gcc is missing: install gcc-${compiler//_/-}"
# Zydis reads x86 code; of what it is built on headers are enough, which are the same everywhere.
packages=(libbpf elfutils zlib nanopb xz-utils libiberty)
zycore=
if [ "$arch" = x86_64 ]; then
	packages+=(zydis)
	zycore=$("$here/fetch-packages.sh" "$arch" zycore libzycore-dev)
fi
cache_lock

# Named by what it is made with, so that two checkouts never pull it from under each other.
made_with=$({ cat "$0" && "$compiler-gcc" -dumpfullversion && echo "$sysroot"; } | sha256sum)
dir=$BOARD_CACHE/musl-libs-$arch-${made_with:0:12}
if [ -e "$dir/complete" ]; then
	echo "$dir"
	exit 0
fi

sources=$BOARD_CACHE/sources
apt_sources "${packages[@]}" || fail "$why"

rm -rf "$dir"
mkdir -p "$dir/bin" "$dir/lib" "$dir/include"
lib=$sysroot/usr/lib/$musl
gcc_include=$("$compiler-gcc" -print-file-name=include)
includes="-nostdinc -isystem $dir/include -isystem $sysroot/usr/include/$musl -isystem $gcc_include"
includes="$includes -isystem $sysroot/usr/include -isystem $sysroot/usr/include/$compiler"
cat >"$dir/musl.specs" <<SPECS
%rename cpp_options old_cpp_options

*cpp_options:
$includes %(old_cpp_options)

*cc1:
%(cc1_cpu) $includes

*startfile:
%{static-pie:$lib/rcrt1.o; :$lib/crt1.o} $lib/crti.o %{static-pie:crtbeginS.o%s; :crtbeginT.o%s}

*endfile:
%{static-pie:crtendS.o%s; :crtend.o%s} $lib/crtn.o

*link_libgcc:
-L$dir/lib -L$lib -L.%s

*lib:
-lc

*libgcc:
libgcc.a%s libgcc_eh.a%s
SPECS
cat >"$dir/bin/cc" <<CC
#!/bin/sh
exec $compiler-gcc -specs=$dir/musl.specs "\$@"
CC
chmod +x "$dir/bin/cc"

work=$dir/work
flags=(-Os -g0 -fPIE -fstack-protector-strong -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -D_GNU_SOURCE)

library() { # NAME DIR FLAG... -- FILE...
	local name=$1 from=$2 objects=$work/$1 own=()
	shift 2
	while [ "$1" != -- ]; do
		own+=("$1")
		shift
	done
	shift
	mkdir -p "$objects"
	if ! (cd "$from" && for file; do
		"$dir/bin/cc" "${flags[@]}" "${own[@]}" -c -o "$objects/${file//\//_}.o" "$file"
	done) 2>"$BOARD_CACHE/musl-$name.log"; then
		fail "$name cannot be compiled against musl, see $BOARD_CACHE/musl-$name.log"
	fi
	"$compiler-ar" rcs "$dir/lib/lib$name.a" "$objects"/*.o
}
headers() { # DIR FILE...
	local to=$dir/include/$1
	shift
	mkdir -p "$to"
	cp "$@" "$to/"
}

echo "static: compiling libraries for $arch" >&2
cd "$sources/zlib"
headers . zlib.h zconf.h
library z . -DHAVE_UNISTD_H -DHAVE_HIDDEN -DNO_GZCOMPRESS -- adler32.c crc32.c gzclose.c gzlib.c gzread.c inffast.c inflate.c inftrees.c \
	zutil.c compress.c uncompr.c deflate.c trees.c

cd "$sources/nanopb"
headers . pb.h pb_common.h pb_decode.h pb_encode.h
library protobuf-nanopb . -- pb_common.c pb_decode.c pb_encode.c

# Of liblzma what unpacks .xz, of libiberty what demangles C++ and Rust: a hundredth of it.
cd "$sources/xz-utils/src/liblzma"
headers . api/lzma.h
headers lzma api/lzma/*.h
library lzma . -std=gnu99 -DHAVE_STDBOOL_H -DHAVE_STDINT_H -DHAVE_INTTYPES_H -DHAVE_LIMITS_H -DHAVE_STRING_H -DHAVE_DECODERS \
	-DHAVE_SMALL -DHAVE_DECODER_LZMA1 -DHAVE_DECODER_LZMA2 -DHAVE_CHECK_CRC32 -DHAVE_CHECK_CRC64 -DHAVE_CHECK_SHA256 -DTUKLIB_SYMBOL_PREFIX=lzma_ \
	-I../common -Iapi -Icommon -Icheck -Ilz -Irangecoder -Ilzma -Idelta -Isimple -- common/common.c common/block_util.c \
	common/vli_size.c common/vli_decoder.c common/filter_common.c common/filter_decoder.c common/filter_flags_decoder.c common/block_decoder.c \
	common/block_header_decoder.c common/stream_decoder.c common/stream_flags_common.c common/stream_flags_decoder.c \
	common/index_hash.c check/check.c check/crc32_small.c check/crc64_small.c \
	check/sha256.c lz/lz_decoder.c lzma/lzma_decoder.c lzma/lzma2_decoder.c

cd "$sources/libiberty/libiberty"
headers libiberty ../include/demangle.h ../include/libiberty.h ../include/ansidecl.h
library iberty . -DHAVE_STDLIB_H -DHAVE_STRING_H -DHAVE_LIMITS_H -DHAVE_ALLOCA_H -I../include -- cp-demangle.c rust-demangle.c safe-ctype.c

# elfutils' configure wants argp, fts and obstack, which musl has not and libelf does not use.
cd "$sources/elfutils"
headers . libelf/libelf.h libelf/gelf.h
headers elfutils version.h libelf/elf-knowledge.h
mkdir -p "$work/config"
cat >"$work/config/config.h" <<'CONFIG'
#define HAVE_ERR_H 1
#define HAVE_DECL_MEMPCPY 1
#define HAVE_DECL_MEMRCHR 1
#define HAVE_DECL_REALLOCARRAY 1
#define HAVE_DECL_STRERROR_R 1
#define HAVE_FALLTHROUGH 1
#define HAVE_VISIBILITY 1
#include <eu-config.h>
CONFIG
mapfile -t files < <(cd libelf && printf '%s\n' *.c)
library elf libelf -std=gnu99 -DHAVE_CONFIG_H "-I$work/config" -I. -I../lib -- "${files[@]}"

cd "$sources/libbpf/src"
headers bpf bpf.h libbpf.h btf.h libbpf_common.h libbpf_legacy.h libbpf_version.h bpf_helpers.h bpf_helper_defs.h \
	bpf_tracing.h bpf_core_read.h bpf_endian.h
mapfile -t files < <(printf '%s\n' *.c)
library bpf . -I. -I../include -I../include/uapi -D_LARGEFILE64_SOURCE -D_FILE_OFFSET_BITS=64 -- "${files[@]}"

# Only the decoder, and of it what no program's function is made of left out.
if [ "$zycore" ]; then
	cd "$sources/zydis"
	cp -r include/Zydis "$zycore/usr/include/Zycore" "$dir/include/"
	library Zydis . -Iinclude -Isrc -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -DZYDIS_MINIMAL_MODE \
		-DZYDIS_DISABLE_FORMATTER -DZYDIS_DISABLE_ENCODER -DZYDIS_DISABLE_SEGMENT -DZYDIS_DISABLE_AVX512 \
		-DZYDIS_DISABLE_KNC -- src/Decoder.c src/DecoderData.c src/SharedData.c
fi

rm -rf "$work"
touch "$dir/complete"
echo "$dir"
