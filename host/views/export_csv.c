/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One row an event, one a range of lost events where it begins. Times are the board's monotonic clock; since_ns counts
 * from the recording's first moment, for readers that take numbers for doubles and cut those beyond 2^53. */
#include <inttypes.h>

#include "host/base/csv.h"
#include "host/views/export.h"

static const char *const kind_names[AYP_EVENT_KINDS] = {"entry", "exit", "instant"};

static void write_header(struct exporter *x)
{
	fputs("session,t_ns,end_ns,cpu,tid,task,kind,class,name,owner,count,args,since_ns\n",
		x->out);
}

static void write_event(struct exporter *x, const struct trace_event *e)
{
	const struct trace *t = x->recording->trace;
	const struct trace_func *f = trace_func(t, e->func);
	const struct trace_task *task = trace_task(t, e->session, e->tid, e->t_ns);
	const struct ayp_class_info *info = ayp_class_info(f->cls);

	fprintf(x->out, "%u,%" PRIu64 ",%" PRIu64 ",%u,%" PRIu32 ",", e->session, e->t_ns, e->t_ns,
		e->cpu, e->tid);
	csv_text(x->out, task ? task->comm : e->tid ? "" : "idle");
	fprintf(x->out, ",%s,%s,", kind_names[e->kind], info->name);
	csv_text(x->out, f->name);
	fputc(',', x->out);
	csv_text(x->out, f->owner);
	fputs(",1,", x->out);
	for (uint8_t i = 0; i < e->nargs; i++)
		fprintf(x->out, "%s%s=%" PRIu64, i ? " " : "",
			info->arg_names[i] ? info->arg_names[i] : "arg", e->arg[i]);
	fprintf(x->out, ",%" PRIu64 "\n", trace_since_origin(t, e->session, e->t_ns));
	x->written++;
}

static void write_lost(struct exporter *x, const struct trace_loss *l)
{
	bool has_time = l->first_ns || l->last_ns;

	fprintf(x->out, "%u,", l->session);
	if (has_time)
		fprintf(x->out, "%" PRIu64 ",%" PRIu64 ",", l->first_ns, l->last_ns);
	else
		fputs(",,", x->out);
	if (l->cpu >= 0)
		fprintf(x->out, "%d", l->cpu);
	fprintf(x->out, ",,,lost,,%s,,%" PRIu64 ",,", ayp_loss_cause_name(l->cause), l->count);
	if (has_time)
		fprintf(x->out, "%" PRIu64,
			trace_since_origin(x->recording->trace, l->session, l->first_ns));
	fputc('\n', x->out);
}

const struct export_ops export_csv = {
	.name = "csv",
	.summary = "a row for each event with its names and arguments, and for each range of lost "
		   "ones",
	.begin = write_header,
	.event = write_event,
	.lost = write_lost,
	.content = "events",
};
