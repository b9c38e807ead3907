#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Profile this machine's kernel and a small workload over a simulated 921600-baud line, decode, draw.
# O: the build directory (build); PYTHON: an interpreter with matplotlib; DEMO_SECONDS: length (5).
set -euo pipefail
cd "$(dirname "$0")/.."
O=${O:-build}
PYTHON=${PYTHON:-/usr/bin/python3}
seconds=${DEMO_SECONDS:-5}
baud=921600
out=$O/demo
run=$out/run.pb

say() { printf '\n== %s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

sudo=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || die "tracing a kernel needs root, and there is no sudo: run make demo as root"
	sudo=(sudo)
fi
mkdir -p "$out"
rm -f "$out"/*
"${sudo[@]}" "$O/ayaprof-uart" --check >"$out/check.txt" 2>&1 ||
	die "this kernel or user may not trace (needs root and BPF): $(tail -n 1 "$out/check.txt")"

work=$(mktemp -d)
line='' host=''
cleanup() {
	trap - EXIT INT TERM
	for pid in $host $line; do kill "$pid" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Wait until a file has a line that matches, or the process that writes it is gone.
await() { # FILE PATTERN PID
	for _ in $(seq 500); do
		grep -q "$2" "$1" 2>/dev/null && return 0
		kill -0 "$3" 2>/dev/null || break
		sleep 0.02
	done
	die "no '$2' from the line: $(cat "$1")"
}
ask() { # COMMAND: give it to the line and wait for the answer
	echo "$1" >"$work/control"
	await "$work/line.out" "^ok $1" "$line"
}

say "a serial line of $baud baud: a pair of pseudo terminals, paced"
mkfifo "$work/control"
"$O/tests/linesim" --baud "$baud" --board-link "$work/board" --host-link "$work/host" \
	--control "$work/control" >"$work/line.out" &
line=$!
await "$work/line.out" '^ready' "$line"

say "desk:  hostdec --port LINE -b $baud -o $run"
"$O/hostdec" --port "$work/host" -b "$baud" -o "$run" 2>"$out/hostdec.log" &
host=$!
await "$work/line.out" '^open host' "$line"

workload=$O/tests/workload
board=("$O/ayaprof-uart" "$work/board" -b "$baud" -i 10 --summary-json "$out/summary.json")
for function in serve_request parse_request 'compute_*' checksum_reply send_reply; do
	board+=(-p "u:$workload:$function")
done
say "board: ayaprof-uart LINE -b $baud -i 10 -p 'u:workload:*_request' ... -- workload mix $seconds"
"${sudo[@]}" "${board[@]}" -- "$workload" mix "$seconds"
ask drain
kill -INT "$host" 2>/dev/null || true
wait "$host" || true
host=

say "what arrived: hostdec info $run"
"$O/hostdec" info "$run"
say "where the time went: hostdec stats $run --top 12"
"$O/hostdec" stats "$run" --top 12

say "the whole run, memory and throughput"
"$O/hostdec" plot "$run" -m -t -f "0-$((seconds + 1))s" -o "$out/overview.png"
window=$("$O/hostdec" export "$run" -f json -o "$work/run.json" && "$PYTHON" scripts/demo-window.py "$work/run.json")
say "one turn of the workload: hostdec plot $run -s+ -m -t -f $window -o $out/demo.png"
"$O/hostdec" plot "$run" -s+ -m -t -f "$window" -o "$out/demo.png"
