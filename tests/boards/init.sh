#!/bin/busybox sh
# shellcheck shell=dash disable=SC2013
# SPDX-License-Identifier: MIT OR Apache-2.0
# First process of an emulated board: set up, run /job/run, send /out back, power off.
# The kernel's command line names the ports: board.data=TTY board.results=TTY; without board.results they
# go to the console as text.
export PATH=/job:/bin:/sbin
export HOME=/tmp
/bin/busybox mkdir -p /bin /sbin /proc /sys /dev /tmp /out /etc
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs tmp /tmp
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
for module in /modules/*.ko; do
	[ ! -e "$module" ] || insmod "$module"
done
ip link set lo up
hostname board
for word in $(cat /proc/cmdline); do
	case "$word" in
	board.data=*) export DATA=/dev/${word#*=} ;;
	board.results=*) results=/dev/${word#*=} ;;
	esac
done

# An adapter on a bus is there when its bus has found it.
for _ in $(seq 100); do
	[ ! -e "$DATA" ] || break
	usleep 50000
done

cd /tmp || exit
echo "board: job starts at $(cut -d' ' -f1 /proc/uptime) s"
sh /job/run </dev/null
code=$?
echo "$code" >/out/exit
cut -d' ' -f1 /proc/uptime >/out/uptime
echo "board: job ended with $code"

if [ -n "$results" ]; then
	# Raw, so that the archive arrives as it is; closing the port waits until the last byte has left.
	stty -F "$results" raw -echo -opost
	tar -c -C /out . >"$results"
else
	dmesg -n 1
	echo "board: results"
	tar -cz -C /out . | base64
	echo "board: end of results"
fi
sync
poweroff -f
