#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Build the Debian packages from a copy of the project's own files, and let lintian look at them.
# usage: build-deb.sh     Environment: O (build directory). The packages are in $O/deb. exit 1: built with an
# error, or lintian found one; its words are on standard output.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${O:-build}/deb
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -rf "${out:?}"/*
mkdir "$out/source"
scripts/list-files.sh | tar --null -T - -c | tar -x -C "$out/source"

cd "$out/source"
# Of the make that called this, nothing is meant for the packages.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES O DESTDIR PREFIX
if ! dpkg-buildpackage -us -uc -b -j"$(nproc)" >"$out/log" 2>&1; then
	tail -n 20 "$out/log" >&2
	echo "build-deb: dpkg-buildpackage failed; all it said is in $out/log" >&2
	exit 1
fi
cd "$out"
rm -rf source
ls -1 ./*.deb
lintian --fail-on error,warning --profile debian ./*.changes
