/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a user is told of a recording beside what a view shows: a line each on stderr. */
#ifndef HOST_RECORDING_NOTICES_H
#define HOST_RECORDING_NOTICES_H

#include "host/trace/trace.h"

/* struct trace_config's. ctx: pointer to the pointer to the trace. */
void notice_say(void *ctx, enum trace_notice notice, uint64_t a, uint64_t b);
/* After a reading: what was beyond the bounds of a trace. */
void notice_left_out(const struct trace *t);

#endif
