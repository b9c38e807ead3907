/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Probed programs whose file is replaced while they are traced. Probes hang on the file that was
 * there (its inode): what is started from a new one of that name is not seen, and a file that was
 * written over has its functions elsewhere.
 */
#ifndef TARGET_PROBES_PROGRAM_WATCH_H
#define TARGET_PROBES_PROGRAM_WATCH_H

#include <stddef.h>

struct watched_program;
struct program_watch {
	struct watched_program *at;
	size_t n;
};

/* Remember what stands at path now; a path that is known already is left. 0 or -ENOMEM. */
int program_watch_add(struct program_watch *w, const char *path);
/* Say once of each file what has become of it. Costs a stat each. */
void program_watch_look(struct program_watch *w);
void program_watch_free(struct program_watch *w);

#endif
