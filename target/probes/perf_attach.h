/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Programs on perf events: tracepoints, kprobes, uprobes, timers. libbpf could do most of it, but
 * not for copies of a program, and not for tracepoints when tracefs is not mounted.
 */
#ifndef TARGET_PROBES_PERF_ATTACH_H
#define TARGET_PROBES_PERF_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

/* Each returns a descriptor that detaches when closed, or a negative errno. with_cookie: the
 * program reads `cookie`, so an attachment without it is no use (Linux 5.15). */

/* path: "category/name". */
int perf_attach_tracepoint(int prog_fd, const char *path, uint64_t cookie, bool with_cookie);
/* The function's entry, or its return. */
int perf_attach_kprobe(
	int prog_fd, const char *symbol, bool on_return, uint64_t cookie, bool with_cookie);
int perf_attach_uprobe(int prog_fd, const char *path, uint64_t offset, bool on_return,
	uint64_t cookie, bool with_cookie);
/* hz times a second while the CPU runs. *event: another descriptor, of the event itself, for
 * perf_event_runs; both are the caller's. -ENODEV: the CPU is not there, or offline. */
int perf_attach_clock(int prog_fd, int cpu, uint32_t hz, int *event);
/* Has the event been able to count since *enabled_ns was filled by the last call? False when its
 * CPU has gone offline: it does not come back with the CPU. */
bool perf_event_runs(int event, uint64_t *enabled_ns);

#endif
