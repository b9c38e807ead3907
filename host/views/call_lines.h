/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Calls as text, a line for what happens: time on the clock of the kernel's log, CPU, thread, then
 *
 *     read(fd=3 count=512) {      an entry
 *     } read 12.3 us              its end; "(no exit)": it was lost, or had not come by then
 *     sched_switch next=17        an instant
 */
#ifndef HOST_CALL_LINES_H
#define HOST_CALL_LINES_H

#include <stdio.h>

#include "host/trace/trace.h"

/* An exit has no line: its call has, when it ends. */
void call_lines_event(FILE *out, const struct trace *t, const struct trace_event *e);
void call_lines_end(FILE *out, const struct trace *t, const struct trace_call *c);

#endif
