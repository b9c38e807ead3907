#!/usr/bin/env bash
# Install the Debian packages that the named groups of packages.txt need and that are missing.
# usage: install-deps.sh GROUP...        exit 0: all there; 1: something could not be installed
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || { echo "usage: $0 GROUP..." >&2; exit 2; }

own=$(dpkg --print-architecture 2>/dev/null) || own=
wanted=$(awk -v groups="$*" -v own="$own" '
	# What stands between the brackets of debian/control, too: architectures that have it, or that have not.
	function is_here(list,    n, a, i) {
		n = split(list, a, " ")
		for (i = 1; i <= n; i++)
			if (a[i] == own || a[i] == "!" own)
				return a[i] == own
		return a[1] ~ /^!/ || own == ""
	}
	BEGIN { n = split(groups, g, " "); for (i = 1; i <= n; i++) want[g[i]] = 1 }
	{ sub(/#.*/, "") }
	match($0, /\[[^]]*\]/) {
		list = substr($0, RSTART + 1, RLENGTH - 2)
		if (!is_here(list))
			next
		sub(/\[[^]]*\]/, "")
	}
	NF { for (i = 2; i <= NF; i++) if ($i in want) { print $1; break } }' "$here/packages.txt")

missing=()
for p in $wanted; do
	dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
	echo "install-deps: not a Debian machine; install the equivalents of: ${missing[*]}" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "install-deps: run as root, or install sudo, to add: ${missing[*]}" >&2
		exit 1
	}
	sudo=sudo
fi
echo "install-deps: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $sudo apt-get update -q && $sudo apt-get install -qy --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	tail -n 15 "$log" >&2
	echo "install-deps: apt-get failed, see above" >&2
	exit 1
fi
