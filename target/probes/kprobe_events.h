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
	KPROBE_EACH, /* an event for each function */
	/* one for all of their entries, one for all of their returns; some for their ends */
	KPROBE_SHARED,
};

/* Where a probe is. */
enum kprobe_event_place {
	KPROBE_ENTRY,
	KPROBE_RETURN, /* a return probe */
	KPROBE_END,    /* a return instruction; shared only */
	KPROBE_PLACES,
};

struct kprobe_event {
	const char *symbol; /* must stay */
	uint32_t offset;    /* KPROBE_END: bytes */
	uint16_t func;
	uint8_t place; /* enum kprobe_event_place */
	uint8_t kind;  /* enum kprobe_event_kind */
	uint8_t part;  /* shared: which of several, see KPROBE_PARTS */
	bool more;     /* not the first END of its function */
	bool gone;
};

/* The kernel looks through all of an event's places for each that is added, so there may be several
 * of a kind. */
#define KPROBE_PARTS 26u

/* Zeroed: none yet. */
struct kprobe_events {
	struct kprobe_event *at;
	size_t n, cap;
	char group[DYNAMIC_GROUP]; /* "": not looked for tracefs yet */
	int file;                  /* kprobe_events, or a negative errno */
};

/*
 * Make an event for what `want` says, or add it to the shared one (Linux 5.4, ca89bc071d5e), to
 * which nothing is attached yet; slots: calls at once whose returns are caught (KPROBE_RETURN
 * only). Fills path, of KPROBE_EVENT_PATH bytes, with "group/name". 0 or a negative errno.
 */
int kprobe_events_add(
	struct kprobe_events *e, const struct kprobe_event *want, uint32_t slots, char *path);
/* The path of the shared one of a kind. */
void kprobe_events_shared_path(
	const struct kprobe_events *e, enum kprobe_event_place place, uint8_t part, char *path);
/* Remove all from index `keep` on. Nothing may be attached to them any more. */
void kprobe_events_cut(struct kprobe_events *e, size_t keep);
void kprobe_events_free(struct kprobe_events *e);

/* Sums over all of these, or the shared ones only, since each was made: how often they were hit,
 * and how often the kernel missed one. 0 or a negative errno. */
int kprobe_events_read(
	const struct kprobe_events *e, bool shared_only, uint64_t *hits, uint64_t *missed);

#endif
