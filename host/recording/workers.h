/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Threads for the work that a trace hands out (struct trace_threads), as many as there are processors to use. */
#ifndef HOST_RECORDING_WORKERS_H
#define HOST_RECORDING_WORKERS_H

#include "host/trace/trace.h"

#define WORKERS_MAX 8u

struct workers;

/* NULL in *t, and 0, where there is one processor only: the caller does the work itself. Returns 0 or a
 * negative errno. */
int workers_new(struct workers **t);
/* All work has been waited for. NULL: nothing. */
void workers_free(struct workers *t);
/* For struct trace_config; of NULL all zero. */
struct trace_threads workers_interface(struct workers *t);

#endif
