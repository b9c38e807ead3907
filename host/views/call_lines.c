/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/call_lines.h"

#include <inttypes.h>

#include "host/base/text.h"

#define NS_PER_S UINT64_C(1000000000)

static void lead(FILE *out, const struct trace *t, uint16_t session, uint64_t t_ns,
	unsigned int cpu, uint32_t tid)
{
	const struct trace_task *task = trace_task(t, session, tid, t_ns);

	fprintf(out, "[%5" PRIu64 ".%09" PRIu64 "] %2u  %s-%" PRIu32 "  ", t_ns / NS_PER_S,
		t_ns % NS_PER_S, cpu,
		task  ? task->comm
		: tid ? "?"
		      : "idle",
		tid);
}

static void arguments(FILE *out, unsigned int cls, const struct trace_event *e)
{
	const struct ayp_class_info *info = ayp_class_info(cls);

	for (uint8_t i = 0; i < e->nargs; i++)
		fprintf(out, "%s%s=%" PRIu64, i ? " " : "",
			info->arg_names[i] ? info->arg_names[i] : "arg", e->arg[i]);
}

void call_lines_event(FILE *out, const struct trace *t, const struct trace_event *e)
{
	const struct trace_func *f = trace_func(t, e->func);

	if (e->kind == AYP_EXIT)
		return;
	lead(out, t, e->session, e->t_ns, e->cpu, e->tid);
	fputs(f->name, out);
	fputs(e->kind == AYP_ENTRY ? "(" : e->nargs ? " " : "", out);
	arguments(out, f->cls, e);
	fputs(e->kind == AYP_ENTRY ? ") {\n" : "\n", out);
}

void call_lines_end(FILE *out, const struct trace *t, const struct trace_call *c)
{
	char time[TEXT_NUMBER];

	lead(out, t, c->session, c->end_ns, c->cpu, c->tid);
	fprintf(out, "} %s %s%s\n", trace_func(t, c->func)->name,
		text_duration(time, c->end_ns - c->start_ns),
		c->flags & TRACE_CALL_NO_EXIT ? " (no exit)" : "");
}
