/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kernel's console log level, lowered for as long as the line is ours.
 *
 * Messages of a level below the number in /proc/sys/kernel/printk reach the console; at 1 only
 * emergencies (level 0) do. All others are still in the kernel's log (dmesg, --kmsg).
 */
#ifndef TARGET_SETUP_CONSOLE_H
#define TARGET_SETUP_CONSOLE_H

#include <stdbool.h>

#define CONSOLE_LEVEL_PATH "/proc/sys/kernel/printk"

struct console {
	const char *path;
	int before; /* level found */
	bool set;   /* lowered, and not restored yet */
	int guard;  /* of guard.h, while it is set */
};

/* Lower it. `path` (CONSOLE_LEVEL_PATH) must outlive c. 0, or a negative errno after one line. */
int console_quiet(struct console *c, const char *path);
/* As it was found, unless somebody else has changed it meanwhile. Does nothing if it is not
 * lowered.
 */
void console_restore(struct console *c);

#endif
