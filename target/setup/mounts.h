/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* /proc and /sys on boards whose init has not mounted them (tracefs: probes/tracefs.h). */
#ifndef TARGET_SETUP_MOUNTS_H
#define TARGET_SETUP_MOUNTS_H

/* Mount what is missing in a mount namespace of the calling thread's own: nobody else sees it, and
 * nothing is left when the daemon ends. Call before other threads are started, and after a command
 * that is to live on the board as it is has been forked. What cannot be had is said in a line each;
 * whoever needs it fails later. */
void mounts_complete(void);

/* What was mounted, for --check: "" if nothing was missing. */
const char *mounts_made(void);

#endif
