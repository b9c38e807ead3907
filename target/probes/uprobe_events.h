/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Uprobes made through tracefs (uprobe_events), many to a trace event (Linux 5.4, 41af3cf58774): a
 * perf event for each would cost a grace period or two when it is closed.
 */
#ifndef TARGET_PROBES_UPROBE_EVENTS_H
#define TARGET_PROBES_UPROBE_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "target/probes/dynamic_events.h"

/* Zeroed: none yet. */
struct uprobe_events {
	char group[DYNAMIC_GROUP]; /* "": not looked for tracefs yet */
	int file;                  /* uprobe_events, or a negative errno */
	size_t n;                  /* events 0 to n - 1 may be there */
};

/* "group/name" of an event. */
void uprobe_events_path(const struct uprobe_events *e, size_t event, char path[DYNAMIC_EVENT_PATH]);
/* Add a probe to an event, to which nothing is attached yet. 0 or a negative errno; -EINVAL, too,
 * for a file whose name has white space, which tracefs cannot be told. */
int uprobe_events_add(struct uprobe_events *e, size_t event, const char *file, uint64_t offset);
/* Remove one, to which nothing is attached any more. */
void uprobe_events_remove(struct uprobe_events *e, size_t event);
/* Remove them all. Nothing may be attached to them any more. */
void uprobe_events_free(struct uprobe_events *e);

#endif
