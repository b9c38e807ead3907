# shellcheck shell=dash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A board's job (overhead.py): a workload under one tracer after the other, on the same functions. Leaves lines
# "WORKLOAD TRACER least median" in /out/times (nanoseconds a turn) and "WORKLOAD TRACER events" in /out/counts.
# The workload has CPU 1 for itself, who collects events has CPU 0.
T=/sys/kernel/tracing

say() { echo "overhead: $what: $*" >/dev/console; }
on_its_cpu() { taskset 2 workload timed "$turns" "$what"; }

measure() { # TRACER
	on_its_cpu | sed "s/^/$what $1 /" >>/out/times
}

with_ayaprof() { # NAME OPTION...
	name=$1
	say "$1"
	shift
	probes=
	for f in $functions; do probes="$probes -p k:$f"; done
	# shellcheck disable=SC2086
	if taskset 1 ayaprof-uart --mode log -o /tmp/run.pb --ring-size 8M --spool-mem 8M -M none $probes "$@" \
		--summary-json /tmp/summary -- taskset 2 workload timed "$turns" "$what" >/tmp/time 2>/tmp/err; then
		sed "s/^/$what $name /" /tmp/time >>/out/times
		sed -n "s/.*\"latency\": \"\(.*\)\".*/$what $name by \1/p; s/ *\"\(events\|total\|attached\)\": \([0-9]*\).*/$what $name \1 \2/p" \
			/tmp/summary >>/out/counts
	else
		echo "$what $name $(tail -n 1 /tmp/err)" >>/out/refused
	fi
	rm -f /tmp/run.pb
}

with_ftrace() { # TRACER
	say "$1"
	echo "$functions" | tr ' ' '\n' >$T/set_ftrace_filter
	if echo "$1" >$T/current_tracer 2>/tmp/err; then
		measure "$1"
	else
		echo "$what $1 $(cat /tmp/err)" >>/out/refused
	fi
	echo nop >$T/current_tracer
	echo >$T/trace
	echo >$T/set_ftrace_filter
}

with_bpftrace() { # NAME ENTRY RETURN
	say "$1"
	program=""
	n=0
	for f in $functions; do
		n=$((n + 1))
		program="$program $2:$f { @t${n}[tid] = nsecs; } $3:$f /@t${n}[tid]/ { @$f = hist(nsecs - @t${n}[tid]); delete(@t${n}[tid]); }"
	done
	program="BEGIN { printf(\"ready\\n\"); } $program"
	LD_LIBRARY_PATH=/job/lib taskset 1 /job/lib/ld.so /job/bpftrace -e "$program" >/tmp/bpftrace 2>/tmp/err &
	pid=$!
	for _ in $(seq 600); do
		if grep -q ready /tmp/bpftrace || ! kill -0 $pid 2>/dev/null; then break; fi
		usleep 200000
	done
	if grep -q ready /tmp/bpftrace && kill -0 $pid 2>/dev/null; then
		measure "$1"
	else
		echo "$what $1 $(tail -n 1 /tmp/err)" >>/out/refused
	fi
	kill -INT $pid 2>/dev/null
	for _ in $(seq 100); do
		kill -0 $pid 2>/dev/null || return 0
		usleep 200000
	done
	kill -KILL $pid
}

compare() { # WHAT TURNS FUNCTION...
	what=$1 turns=$2
	shift 2
	functions=
	for f in "$@"; do
		# The same functions for all: what one tracer cannot have, none gets.
		if grep -qx "$f" $T/available_filter_functions; then functions="$functions $f"; fi
	done
	functions=${functions# }
	echo "$what functions $functions" >>/out/counts
	# More than once each, a while apart: what else the emulating machine does goes by, and the least counts.
	for _ in 1 2 3; do
		measure nothing
		for mechanism in fentry kprobe.multi kprobe kretprobe; do
			if ! grep -q "^$what ayaprof:$mechanism " /out/refused 2>/dev/null; then
				with_ayaprof "ayaprof:$mechanism" --mechanism $mechanism
			fi
		done
		with_ayaprof ayaprof
		with_ftrace function_graph
		with_ftrace function
	done
	if [ -e /job/bpftrace ]; then
		with_bpftrace bpftrace:kprobe kprobe kretprobe
		with_bpftrace bpftrace:kfunc kfunc kretfunc
	fi
	measure nothing
}

mkdir -p /tmp
ulimit -l unlimited
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
echo 0 >/proc/sys/kernel/printk
getppid=$(grep -xE '__(x64|arm64)_sys_getppid' $T/available_filter_functions || grep -x __do_sys_getppid $T/available_filter_functions)
compare getppid 250 "$getppid"
# Without ip_make_skb, which takes a structure by value: no trampoline does.
compare datagram 25 inet_sendmsg udp_sendmsg udp_send_skb ip_send_skb ip_output ip_finish_output \
	__dev_queue_xmit dev_hard_start_xmit loopback_xmit ip_rcv ip_local_deliver udp_rcv udp_queue_rcv_skb \
	inet_recvmsg udp_recvmsg __skb_recv_udp consume_skb
