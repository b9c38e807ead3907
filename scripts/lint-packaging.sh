#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Has Buildroot's and BitBake's own tools judge packaging/: style, Kconfig, make and recipe syntax, dependencies. Nothing is
# downloaded and nothing is compiled.
# usage: [BUILDROOT=DIR] [BITBAKE=DIR OE_LAYERS='DIR...' [FULL=1]] lint-packaging.sh
#   BUILDROOT  a checkout of Buildroot
#   BITBAKE    a checkout of BitBake; OE_LAYERS: openembedded-core/meta, meta-oe, meta-python, before whinlatter meta-clang
#   FULL=1     parse all recipes of all layers (six minutes), as is needed to see the layer's .bbappend files
# exit 0: clean; 1: findings, one line each; 2: usage.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
root=$PWD
bad=0
report() { echo "lint-packaging: $*"; bad=1; }
usage() { echo "lint-packaging: $*" >&2; exit 2; }

[ -n "${BUILDROOT:-}${BITBAKE:-}" ] || usage "nothing to check with: BUILDROOT=DIR or BITBAKE=DIR names a checkout"
[ -z "${BUILDROOT:-}" ] || [ -x "$BUILDROOT/utils/check-package" ] || usage "$BUILDROOT is no checkout of Buildroot"
[ -z "${BITBAKE:-}" ] || [ -x "$BITBAKE/bin/bitbake" ] || usage "$BITBAKE is no checkout of BitBake"
[ -z "${BITBAKE:-}" ] || [ -n "${OE_LAYERS:-}" ] || usage "BitBake takes layers: OE_LAYERS='.../openembedded-core/meta ...'"
for layer in ${OE_LAYERS:-}; do
	[ -e "$layer/conf/layer.conf" ] || usage "$layer is no layer: it has no conf/layer.conf"
done

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

check_buildroot() {
	local tree=$root/packaging/buildroot out=$dir/buildroot config wanted package
	local files packages=(ayaprof-uart nanopb host-nanopb host-python-protobuf)
	mapfile -d '' -t files < <(scripts/list-files.sh 'packaging/buildroot/*')
	"${PYTHON:-/usr/bin/python3}" "$BUILDROOT/utils/check-package" -b "${files[@]}" || bad=1

	for config in "$tree"/configs/*_defconfig; do
		make -s -C "$BUILDROOT" O="$out" BR2_EXTERNAL="$tree" "${config##*/}" >"$dir/log" 2>&1 ||
			{ report "${config##*/}: $(tail -1 "$dir/log")"; continue; }
		grep -i 'warning' "$dir/log" && report "${config##*/}: Kconfig warns"
		# What depends on something that is not there, Kconfig drops without a word.
		while IFS= read -r wanted; do
			grep -qxF "$wanted" "$out/.config" || report "${config##*/}: $wanted does not hold"
		done <"$config"
		# One line of JSON for each; a make takes a quarter of a minute to read all packages.
		make -s -C "$out" "${packages[@]/%/-show-info}" >"$dir/info" 2>"$dir/log" || report "$(tail -1 "$dir/log")"
		for package in "${packages[@]}"; do
			grep "^{ \"$package\":" "$dir/info" | grep -q '"dependencies"' || report "Buildroot does not know $package"
		done
		grep '"hashes": \[ *\]' "$dir/info" && report "no hash of what is downloaded"
		echo "buildroot: ${config##*/}: $(make -s -C "$out" ayaprof-uart-show-recursive-depends | wc -w) packages to build first"
	done
}

check_bitbake() {
	local layer=$root/packaging/yocto/meta-ayaprof build=$dir/bitbake recipe name
	mkdir -p "$build/conf"
	{
		printf 'POKY_BBLAYERS_CONF_VERSION = "2"\nBBPATH = "${TOPDIR}"\nBBFILES = ""\n'
		printf 'BBLAYERS = "%s %s"\n' "$OE_LAYERS" "$layer"
	} >"$build/conf/bblayers.conf"
	# Tools that building takes, and parsing does not, need not be there.
	cat >"$build/conf/local.conf" <<-'END'
		MACHINE = "qemuarm64"
		DISTRO = "nodistro"
		CONF_VERSION = "2"
		DISTRO_FEATURES:append = " systemd ayaprof"
		INHERIT:remove = "sanity"
		HOSTTOOLS:remove = "chrpath cpio diffstat gawk lz4c pzstd zstd rpcgen"
		BB_NO_NETWORK = "1"
		BB_NUMBER_PARSE_THREADS = "2"
		BB_SIGNATURE_HANDLER = "OEBasicHash"
		BB_HASHSERVE = ""
	END
	# BitBake insists on this locale.
	localedef -i en_US -f UTF-8 "$dir/en_US.UTF-8" 2>/dev/null
	run() {
		(cd "$build" && env LOCPATH="$dir" LC_ALL=en_US.UTF-8 BB_ENV_PASSTHROUGH_ADDITIONS=LOCPATH BBPATH="$build" \
			PATH="$BITBAKE/bin:$PATH" bitbake "$@")
	}
	for recipe in "$layer"/recipes-*/*/*.bb; do
		name=$(basename "$recipe" .bb)
		run -b "$recipe" -e >"$dir/$name" 2>&1 || report "$name: BitBake cannot read it"
		grep -aE '^(ERROR|WARNING): ' "$dir/$name" && report "$name: BitBake complains"
		[ "$(grep -ac "^PV=\"$(cat VERSION)\"" "$dir/$name")" = 1 ] || report "$name: not version $(cat VERSION)"
		echo "bitbake: $name: $(grep -a '^DEPENDS=' "$dir/$name")"
	done
	[ -n "${FULL:-}" ] || return 0
	run -e linux-yocto >"$dir/kernel" 2>&1 || report "linux-yocto: $(grep -a '^ERROR' "$dir/kernel" | head -1)"
	grep -a 'ERROR.*ayaprof\|WARNING.*ayaprof' "$dir/kernel" && report "BitBake complains"
	grep -a '^SRC_URI=' "$dir/kernel" | grep -q 'ayaprof\.cfg' || report "linux-yocto: not given ayaprof.cfg"
	# Each of what these need must be some recipe's to provide, of the native and the SDK variants, too.
	run -g ayaprof-uart ayaprof-hostdec ayaprof-hostdec-native nativesdk-ayaprof-hostdec >"$dir/graph" 2>&1 ||
		report "dependencies: $(grep -a '^ERROR' "$dir/graph" | head -1)"
	[ ! -e "$build/pn-buildlist" ] || echo "bitbake: $(wc -l <"$build/pn-buildlist") recipes to build in all"
}

[ -z "${BUILDROOT:-}" ] || check_buildroot
[ -z "${BITBAKE:-}" ] || check_bitbake
exit $bad
