/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Threads for the work that a trace hands out (struct trace_threads), as many as there are processors to use. */
#ifndef HOST_RECORDING_THREADS_H
#define HOST_RECORDING_THREADS_H

#include "host/trace/trace.h"

#define THREADS_MAX 8u

struct threads;

/* NULL in *t, and 0, where there is one processor only: the caller does the work itself. Returns 0 or a
 * negative errno. */
int threads_new(struct threads **t);
/* All work has been waited for. NULL: nothing. */
void threads_free(struct threads *t);
/* For struct trace_config; of NULL all zero. */
struct trace_threads threads_interface(struct threads *t);

#endif
