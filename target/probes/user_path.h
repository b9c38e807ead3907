/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which file a specification u:PATH:GLOB means. */
#ifndef TARGET_PROBES_USER_PATH_H
#define TARGET_PROBES_USER_PATH_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "target/base/config.h"

struct user_path {
	char path[PATH_MAX]; /* absolute */
	const char *glob;    /* in the specification's own memory */
	dev_t dev;           /* what the file is, whatever it is called */
	ino_t ino;
};

/*
 * PATH ends at the first colon; where there is no such file, but one whose name goes on to a later
 * colon, at that one. A name without a slash is looked for in the working directory, then in $PATH.
 * The path is the file's real one, except where that would lead out of the file's own root
 * (/proc/PID/root/...). 0, or a negative errno and `why` says what is wrong with it.
 */
int user_path_find(const struct probe_spec *spec, struct user_path *found, char *why, size_t size);

#endif
