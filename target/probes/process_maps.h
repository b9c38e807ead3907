/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which file, and where in it, an address of a process belongs to: /proc/PID/maps (kernel,
 * Documentation/filesystems/ proc.rst), which is as long as the process likes and says what it
 * likes.
 *
 * Reading it can wait for the process (its memory map is locked), so nobody reads it who must not
 * wait.
 */
#ifndef TARGET_PROBES_PROCESS_MAPS_H
#define TARGET_PROBES_PROCESS_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESS_MAPS_MAX   1024u        /* executable mappings that are kept */
#define PROCESS_MAPS_TEXT  (512u << 10) /* bytes of text that are read */
#define PROCESS_MAPS_LINE  4352u        /* a longer line has no path */
#define PROCESS_MAPS_OWNER 48u

struct process_mapping {
	uint64_t start, end, offset;
	uint64_t dev, ino;              /* as makedev() has it; 0, 0: no file */
	char owner[PROCESS_MAPS_OWNER]; /* the file's last name, "[vdso]"..., "[anonymous]"; cut */
	bool file;                      /* it has a path */
};

struct process_maps {
	struct process_mapping at[PROCESS_MAPS_MAX]; /* executable ones, by address */
	size_t n;
	uint64_t known;  /* addresses below this one: `at` has all that there are */
	uint64_t layout; /* equal: the same mappings */
	/* private: the line that is being read, and the address whose path is wanted */
	size_t len, text;
	uint64_t wanted;
	char *path;
	size_t path_size;
	bool full;
	char line[PROCESS_MAPS_LINE];
};

/* The executable mappings of a process. 0 or a negative errno: -ENOENT, -ESRCH: it is gone. */
int process_maps_read(struct process_maps *m, uint32_t tgid);
/* The path of the mapping that has an address, as /proc says it. 0, -ENOENT: there is none, or it
 * is longer than
 * `size`. Overwrites m. */
int process_maps_path(
	struct process_maps *m, uint32_t tgid, uint64_t address, char *path, size_t size);
/* NULL if no executable mapping has it; then the addresses around it that have none, too, are
 * [*begin, *end). */
const struct process_mapping *process_maps_find(
	const struct process_maps *m, uint64_t address, uint64_t *begin, uint64_t *end);

/* ---- for process_maps_read, and for tests: text in pieces ---- */
void process_maps_begin(struct process_maps *m);
/* false: no more is wanted. */
bool process_maps_feed(struct process_maps *m, const char *text, size_t len);
void process_maps_end(struct process_maps *m);

#endif
