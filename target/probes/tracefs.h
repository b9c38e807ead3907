/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * tracefs, which many boards do not mount: opened where it is, else mounted for this process only,
 * without a place in the file system.
 */
#ifndef TARGET_PROBES_TRACEFS_H
#define TARGET_PROBES_TRACEFS_H

#include <stdint.h>
#include <stdio.h>

/* A directory descriptor, owned by this file; a negative errno if there is no tracefs. */
int tracefs_dir(void);
/* Where it was found, for --check. */
const char *tracefs_place(void);

/* Open a file below tracefs for reading; NULL and errno. */
FILE *tracefs_open(const char *path);

/* Number of an event, path "category/name"; a negative errno (-ENOENT: no such event). */
int tracefs_event_id(const char *path);

/* Where a field stands in an event's record. -ENOENT: it has no such field. */
int tracefs_event_field(const char *path, const char *field, uint16_t *offset, uint16_t *size);

/* Call for each event of the categories and names that match the globs. `found` returns 0 to go on.
 * Returns 0, what `found` returned, or a negative errno. */
int tracefs_each_event(const char *category_glob, const char *name_glob,
	int (*found)(void *ctx, const char *category, const char *name), void *ctx);

#endif
