#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Build what an emulated board runs: O/static/ for this machine's architecture, O/ARCH/static/ for another one,
# with that architecture's libraries from Debian's packages and Debian's cross compiler.
# usage: O=build build-static.sh ARCH
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 ARCH" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
arch=$1
cd "$here/../.."
out=${O:-build}
args=()
if [ "$arch" != "$(uname -m)" ]; then
	sysroot=$("$here/fetch-packages.sh" "$arch" sysroot libbpf-dev libelf-dev zlib1g-dev libnanopb-dev)
	out=$out/$arch
	args=("CROSS_COMPILE=$arch-linux-gnu-" "SYSROOT=$sysroot")
fi
exec "${MAKE:-make}" --no-print-directory "O=$out" "${args[@]}" "$out/static/ayaprof-uart" "$out/static/workload"
