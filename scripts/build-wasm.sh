#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Build what a page runs, O/wasm/trace.wasm, and its test. zlib and nanopb come from their source packages, as Debian has
# neither for WebAssembly.
# usage: O=build build-wasm.sh      exit 1: not to be had, one line on stderr says why; 2: it does not compile
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR source=apt-private.sh
. scripts/apt-private.sh
out=${O:-build}
clang=${CLANG:-clang}

command -v "$clang" >/dev/null || fail "$clang is missing: install clang"
command -v wasm-ld >/dev/null || fail "wasm-ld is missing: install lld"
runtime=$("$clang" --target=wasm32-wasi -print-libgcc-file-name)
[ -e "$runtime" ] || fail "$runtime is missing: install libclang-rt-dev-wasm32"
echo '#include <stdlib.h>' | "$clang" --target=wasm32-wasi -E - >/dev/null 2>&1 || fail "there is no libc for wasm32: install wasi-libc"
cache_lock
apt_sources zlib nanopb || fail "$why"
exec 9>&-

"${MAKE:-make}" --no-print-directory "O=$out" "WASM_SOURCES=$BOARD_CACHE/sources" "$out/wasm/trace.wasm" "$out/wasm/vectors.wasm"
echo "$out/wasm/trace.wasm: $(wc -c <"$out/wasm/trace.wasm") bytes, $(gzip -9c "$out/wasm/trace.wasm" | wc -c) packed"
