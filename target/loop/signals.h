/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Signals that end a run, heeded whatever the rest of the program waits for. A thread of its own
 * takes them and passes them to the loop. When the second one that asks for the end has come, and
 * the loop has not ended the program SIGNALS_PATIENCE_MS later, because it attaches probes, or
 * waits for a file, a device or the kernel, that thread ends it.
 *
 * One for the whole program.
 */
#ifndef TARGET_LOOP_SIGNALS_H
#define TARGET_LOOP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* After the second signal the loop has so long to say what has to be said. */
#define SIGNALS_PATIENCE_MS 800

struct signals_seen {
	int number;
	int code; /* siginfo's si_code */
};

/* Block the signals in *set and pass them on from now on; SIGCHLD in it asks for no end. *before:
 * the mask as it was. Returns a descriptor that is readable when there is one, which stays ours, or
 * a negative errno. */
int signals_start(const sigset_t *set, sigset_t *before);
/* The next one; false: none at the moment. */
bool signals_next(struct signals_seen *seen);
/* What is being done, for the line that is said if it is cut off: a string that stays. */
void signals_doing(const char *what);
/* The exit status if it is cut off from now on; 1 at first. */
void signals_set_status(int status);
/* What must not stay behind if it is cut off: called in the other thread, while this one is in the
 * middle of whatever it does. Must not wait. */
void signals_set_restore(void (*restore)(void *ctx), void *ctx);

#endif
