/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Trace events that a program makes in tracefs (kprobe_events, uprobe_events). They outlive their
 * maker: each stands in a group whose name says who made it, and what a process left behind that is
 * dead is removed by the next.
 */
#ifndef TARGET_PROBES_DYNAMIC_EVENTS_H
#define TARGET_PROBES_DYNAMIC_EVENTS_H

#include <stddef.h>

/* For "group/name" of our own names. */
#define DYNAMIC_EVENT_PATH 128u
/* For a group's name. */
#define DYNAMIC_GROUP 48u

/* Open a file of tracefs for commands, after removing what is stale there; fills `group` with this
 * process's. A descriptor, the caller's to close, or a negative errno. */
int dynamic_events_open(const char *file_name, char group[DYNAMIC_GROUP]);

/* Write a command of n bytes; what closed an event a moment ago may still be at it, so it is tried
 * for a while. 0 or a negative errno. */
int dynamic_events_command(int file, const char *line, size_t n);

#endif
