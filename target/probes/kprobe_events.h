/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kprobes made through tracefs (kprobe_events) instead of the perf PMU: only there a return probe
 * can be given more slots than the kernel's max(10, 2 * CPUs) (Linux 4.12, 696ced4fb1d7), and only
 * there kernels before 6.7 tell how often a probe was missed (kprobe_profile).
 *
 * They are removed at the end (dynamic_events.h: or by the next).
 */
#ifndef TARGET_PROBES_KPROBE_EVENTS_H
#define TARGET_PROBES_KPROBE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/probes/dynamic_events.h"

#define KPROBE_EVENT_PATH DYNAMIC_EVENT_PATH

/* How events stand for functions. */
enum kprobe_event_kind {
	KPROBE_EACH,   /* an event for each function */
	KPROBE_SHARED, /* one for all of their entries, one for all of their returns */
};

struct kprobe_event {
	const char *symbol;
	uint16_t func;
	bool on_return, gone;
	enum kprobe_event_kind kind;
};

/* Zeroed: none yet. */
struct kprobe_events {
	struct kprobe_event *at;
	size_t n, cap;
	char group[DYNAMIC_GROUP]; /* "": not looked for tracefs yet */
	int file;                  /* kprobe_events, or a negative errno */
};

/*
 * Make an event for `symbol`, which must stay, or add it to the shared one (Linux 5.4,
 * ca89bc071d5e), to which nothing is attached yet; slots: calls at once whose returns are caught
 * (returns only). Fills path, of KPROBE_EVENT_PATH bytes, with "group/name". 0 or a negative errno.
 */
int kprobe_events_add(struct kprobe_events *e, enum kprobe_event_kind kind, const char *symbol,
	uint16_t func, bool on_return, uint32_t slots, char *path);
/* Remove all from index `keep` on. Nothing may be attached to them any more. */
void kprobe_events_cut(struct kprobe_events *e, size_t keep);
void kprobe_events_free(struct kprobe_events *e);

/* Sums over all of these, or the shared ones only, since each was made: how often they were hit,
 * and how often the kernel missed one. 0 or a negative errno. */
int kprobe_events_read(
	const struct kprobe_events *e, bool shared_only, uint64_t *hits, uint64_t *missed);

#endif
