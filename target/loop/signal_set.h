/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which signals a run heeds: all that would end it, so that it says goodbye. A broken pipe and a
 * file that may not grow are errors of the writes that meet them. */
#ifndef TARGET_LOOP_SIGNAL_SET_H
#define TARGET_LOOP_SIGNAL_SET_H

#include <signal.h>
#include <stdbool.h>

/* As they were found, for the profiled command. */
struct signals_found {
	sigset_t mask; /* signals_start's */
	struct sigaction pipe, file_size;
};

/* For signals_start: SIGCHLD, and what ends a process unless it is ignored already. */
void signal_set_fill(sigset_t *set);
/* What is to be an error instead. */
void signal_set_ignore(struct signals_found *found);
/* In a child, before it executes another program: as all was found. */
void signal_set_give_back(const struct signals_found *found);
/* "SIGINT"; others than the common ones: "signal 40". In a static buffer. */
const char *signal_set_name(int number);
/* Would a terminal, or who ends a session, send it to all processes of a job? */
bool signal_set_is_for_job(int number);

#endif
