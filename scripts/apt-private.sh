# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: MIT OR Apache-2.0
# Sourced by the fetch scripts: get Debian packages of any architecture and release without touching
# the machine's own package state. The mirror is the one the machine itself is configured for.
#
#   fail MESSAGE                  one line on stderr, exit 1
#   debian_arch ARCH              as architectures.txt has it
#   cache_lock                    one fetch at a time; held until the script ends
#   apt_for DEBARCH SUITES        choose the package lists that the next calls look at; "own" for the machine's
#   apt_names REGEX               package names matching, one a line
#   apt_fetch DIR PACKAGE...      unpack the newest packages (dpkg -x, never installed) below DIR
#   apt_fetch_all DIR PACKAGE     the same with everything it depends on, libc included
#   apt_fetch_source DIR PACKAGE  unpack its source with Debian's patches as DIR; needs apt_for's "source" as DEBARCH
#   apt_sources PACKAGE...        have their sources as $BOARD_CACHE/sources/PACKAGE; cache_lock must be held
# apt_for, apt_sources and the apt_fetch ones return 1 with the reason, one line, in $why.

BOARD_CACHE=${AYAPROF_BOARD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/ayaprof-uart/boards}
BOARD_SUITES="bookworm bookworm-security bookworm-backports"
why=

fail() {
	echo "${0##*/}: $*" >&2
	exit 1
}

debian_arch() {
	"$(dirname "${BASH_SOURCE[0]}")/arch.sh" "$1" debian || exit 1
}

cache_lock() {
	mkdir -p "$BOARD_CACHE" || fail "cannot write to $BOARD_CACHE: set AYAPROF_BOARD_CACHE"
	exec 9>"$BOARD_CACHE/lock"
	flock 9
}

# Where the machine takes its own Debian from: apt's own view covers both source formats and every file they
# may stand in.
own_mirror() { # LABEL
	# shellcheck disable=SC2016 # apt's variables, not the shell's
	apt-get indextargets --format '$(LABEL)|$(ORIGIN)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk -F'|' -v want="$1" '$1 == want && $2 == "Debian" && !uri { uri = $3 } END { print uri }'
}

apt_for() {
	local arch=$1 suites=$2 type=deb lists=Packages native dir mirror security suite key=/usr/share/keyrings/debian-archive-keyring.gpg
	unset APT_CONFIG
	[ "$suites" = own ] && return
	native=$(dpkg --print-architecture)
	[ "$arch" != source ] || type=deb-src lists=Sources
	mirror=$(own_mirror Debian)
	security=$(own_mirror Debian-Security)
	[ -n "$mirror" ] || { why="apt knows no Debian mirror here: run apt-get update first"; return 1; }
	[ -r "$key" ] || { why="$key is missing: install debian-archive-keyring"; return 1; }

	dir=$BOARD_CACHE/apt/$arch-${suites// /+}
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/parts"
	: >"$dir/status"
	for suite in $suites; do
		case "$suite" in
		*-security) [ -z "$security" ] || echo "$type [signed-by=$key] $security $suite main" ;;
		*) echo "$type [signed-by=$key] $mirror $suite main" ;;
		esac
	done >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-CONF
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "$dir/parts";
		APT::Architecture "$native";
		APT::Architectures { "${arch/source/$native}"; };
		Acquire::Languages "none";
	CONF
	export APT_CONFIG=$dir/apt.conf
	# Lists of a day ago still name files that the mirror has: releases move slower than that.
	if [ -z "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ]; then
		echo "boards: reading package lists ($arch: $suites)" >&2
		if apt_quiet update; then
			touch "$dir/updated"
		else
			# A mirror in the middle of its own update has some lists: enough to try.
			why="the Debian mirror cannot be read: $(apt_reason)"
			[ -n "$(find "$dir/lists" -name "*_$lists*" -size +0 -print -quit)" ] || return 1
		fi
	fi
}

# apt-get with its talk kept for apt_reason. `update` exits 0 on unreachable mirrors and only warns.
apt_quiet() {
	apt-get -q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@" \
		>"$BOARD_CACHE/apt.log" 2>&1 9>&- && ! grep -qE '^(E:|W: Failed)' "$BOARD_CACHE/apt.log"
}
apt_reason() {
	{ grep -E '^(E:|W: Failed)' "$BOARD_CACHE/apt.log" || tail -n 1 "$BOARD_CACHE/apt.log"; } | head -n 1 | cut -c1-200
}

apt_names() {
	apt-cache search --names-only "$1" 2>/dev/null | awk '{ print $1 }'
}

apt_fetch() {
	local dest=$1 tmp deb
	shift
	tmp=$(mktemp -d "$BOARD_CACHE/fetch.XXXXXX")
	if ! (cd "$tmp" && apt_quiet download "$@"); then
		rm -rf "$tmp"
		why="cannot download $*: $(apt_reason)"
		return 1
	fi
	mkdir -p "$dest"
	for deb in "$tmp"/*.deb; do
		dpkg -x "$deb" "$dest" || { rm -rf "$tmp"; why="cannot unpack ${deb##*/}"; return 1; }
	done
	rm -rf "$tmp"
}

apt_fetch_all() {
	local dest=$1 package=$2 tmp deb
	tmp=$(mktemp -d "$BOARD_CACHE/fetch.XXXXXX")
	mkdir -p "$tmp/archives/partial"
	: >"$tmp/status" # nothing is installed where this goes
	if ! apt_quiet install -y --download-only --no-install-recommends -o "Dir::State::status=$tmp/status" \
		-o "Dir::Cache::archives=$tmp/archives" "$package"; then
		rm -rf "$tmp"
		why="cannot download $package and what it needs: $(apt_reason)"
		return 1
	fi
	mkdir -p "$dest"
	for deb in "$tmp"/archives/*.deb; do
		dpkg -x "$deb" "$dest" || { rm -rf "$tmp"; why="cannot unpack ${deb##*/}"; return 1; }
	done
	rm -rf "$tmp"
}

apt_fetch_source() {
	local dest=$1 package=$2 tmp
	tmp=$(mktemp -d "$BOARD_CACHE/fetch.XXXXXX")
	if ! (cd "$tmp" && apt_quiet source --download-only "$package"); then
		rm -rf "$tmp"
		why="cannot download the source of $package: $(apt_reason)"
		return 1
	fi
	rm -rf "$dest"
	# apt has checked the sums that the signed lists name.
	if ! dpkg-source --no-check -x "$tmp"/*.dsc "$dest" >"$BOARD_CACHE/apt.log" 2>&1; then
		rm -rf "$tmp"
		why="cannot unpack the source of $package: $(apt_reason)"
		return 1
	fi
	rm -rf "$tmp"
}

apt_sources() {
	local package dir=$BOARD_CACHE/sources
	for package in "$@"; do
		[ -e "$dir/$package/debian/control" ] && continue
		command -v dpkg-source >/dev/null || { why="dpkg-source is missing: install dpkg-dev"; return 1; }
		apt_for source "bookworm bookworm-security" || return 1
		echo "downloading the source of $package" >&2
		mkdir -p "$dir"
		apt_fetch_source "$dir/$package" "$package" || return 1
	done
}
