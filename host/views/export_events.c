/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The records of the contract's section 5: what `ayaprof-uart --replay` reads. */
#include "host/views/export.h"

static void write_event(struct exporter *x, const struct trace_event *e)
{
	struct ayp_event ev = {
		.t_ns = e->t_ns, .tid = e->tid, .func = e->func, .cpu = e->cpu, .kind = e->kind};
	uint8_t record[AYP_RECORD_SIZE];

	ayp_record_write(record, &ev);
	fwrite_unlocked(record, sizeof(record), 1, x->out);
	x->written++;
}

const struct export_ops export_events = {
	.name = "events",
	.summary = "16-byte records for ayaprof-uart --replay; times, threads, functions, no "
		   "arguments",
	.event = write_event,
	.content = "events",
};
