/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whose a serial device is. The oldest custom is a lock file with the process id in it (UUCP's; the
 * Filesystem Hierarchy Standard, 5.9: /var/lock/LCK..NAME, ten characters and a line end), which
 * minicom, picocom, cu and lrzsz follow; flock(2) and TIOCEXCL are the links' own business.
 */
#ifndef HOST_CLAIM_H
#define HOST_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

#define CLAIM_PATH   320
#define CLAIM_HOLDER 120

/* All zero: nothing is claimed. */
struct claim {
	char path[CLAIM_PATH]; /* of our lock file, "" */
};

/* Claim a device that is not open yet, with a lock file in `dir` (claim_dir()). Files of processes that
 * are no more are removed. Returns 0, also where there is no such directory or no right to it:
 * nothing is claimed then; -EBUSY with the holder in words, "minicom (pid 12)". */
int claim_take(struct claim *c, const char *dir, const char *device, char holder[CLAIM_HOLDER]);
void claim_release(struct claim *c);
/* /var/lock, or $AYAPROF_LOCK_DIR. */
const char *claim_dir(void);

/* Other processes that have a device open, as far as this user may see: "getty (pid 412), cat (pid
 * 77)". Safe to print. False: none. */
bool claim_holders(const char *device, char *text, size_t size);

#endif
