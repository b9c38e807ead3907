/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/filter.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/times.h"

#define CPUS (sizeof(((struct filter *)0)->cpu) / sizeof(bool))

enum { NOT_ASKED, PASSES, STOPS };

void filter_init(struct filter *f)
{
	*f = (struct filter){.to_ns = UINT64_MAX};
}

void filter_free(struct filter *f)
{
	free(f->verdicts);
	f->verdicts = NULL;
}

/* "0,2-3". */
static bool parse_cpus(struct filter *f, const char *text)
{
	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text || *text < '0' || *text > '9')
			return false;
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (first > last || last >= CPUS || (*end && (*end != ',' || !end[1])))
			return false;
		while (first <= last)
			f->cpu[first++] = true;
		text = *end ? end + 1 : end;
	}
	return f->has_cpus = true;
}

static bool parse_kinds(struct filter *f, const char *text)
{
	for (;;) {
		size_t n = strcspn(text, ",");
		unsigned int cls = 0;

		while (cls < AYP_CLASS_COUNT &&
			(strlen(ayp_class_info(cls)->name) != n ||
				strncmp(ayp_class_info(cls)->name, text, n)))
			cls++;
		if (cls == AYP_CLASS_COUNT)
			return false;
		f->kind[cls] = true;
		if (!text[n])
			return f->has_kinds = true;
		text += n + 1;
	}
}

static bool say_kinds(struct cli *c)
{
	char list[160] = "";

	for (unsigned int cls = 0; cls < AYP_CLASS_COUNT; cls++) {
		strncat(list, cls ? ", " : "", sizeof(list) - strlen(list) - 1);
		strncat(list, ayp_class_info(cls)->name, sizeof(list) - strlen(list) - 1);
	}
	cli_error(c, "there is no kind %s; there are: %s", c->value, list);
	return false;
}

bool filter_set(struct filter *f, struct cli *c, enum filter_option option)
{
	uint64_t tid;

	f->any = true;
	switch (option) {
	case FILTER_RANGE:
		if (times_parse_range(c->value, &f->from_ns, &f->to_ns))
			return true;
		cli_error(c, "%s is no range of times; 1s-2.5s is one, or 10ms-", c->value);
		return false;
	case FILTER_CPU:
		if (parse_cpus(f, c->value))
			return true;
		cli_error(c, "--cpu takes processors such as 0 or 0,2-3, not %s", c->value);
		return false;
	case FILTER_TASK:
		f->task = c->value;
		f->has_tid = cli_number(c->value, UINT32_MAX, &tid);
		f->tid = (uint32_t)tid;
		return true;
	case FILTER_FUNC:
		f->func = c->value;
		return true;
	case FILTER_KIND:
		return parse_kinds(f, c->value) || say_kinds(c);
	case FILTER_MIN_DURATION:
		if (times_parse(c->value, &f->min_duration_ns))
			return true;
		cli_error(c, "--min-duration takes a time such as 50us, not %s", c->value);
		return false;
	case FILTER_OPTIONS:
		break;
	}
	return false;
}

static bool func_passes(struct filter *f, const struct trace *t, uint16_t func)
{
	const struct trace_func *row;
	bool passes;

	if (!f->func && !f->has_kinds)
		return true;
	if (!f->verdicts)
		f->verdicts = calloc(TRACE_MAX_FUNCS, 1);
	if (f->verdicts && f->verdicts[func])
		return f->verdicts[func] == PASSES;
	row = trace_func(t, func);
	passes = (!f->func || !fnmatch(f->func, row->name, 0)) &&
		 (!f->has_kinds || f->kind[row->cls]);
	/* A name that is made up may give way to one that comes. */
	if (f->verdicts && row->named)
		f->verdicts[func] = passes ? PASSES : STOPS;
	return passes;
}

static bool task_passes(const struct filter *f, const struct trace *t, uint16_t session,
	uint32_t tid, uint64_t t_ns)
{
	const struct trace_task *task;

	if (!f->task || (f->has_tid && tid == f->tid))
		return true;
	task = trace_task(t, session, tid, t_ns);
	return task ? !fnmatch(f->task, task->comm, 0) : !tid && !fnmatch(f->task, "idle", 0);
}

/* Any of it. */
static bool in_range(const struct filter *f, const struct trace *t, uint16_t session,
	uint64_t first_ns, uint64_t last_ns)
{
	if (!f->from_ns && f->to_ns == UINT64_MAX)
		return true;
	return trace_since_origin(t, session, last_ns) >= f->from_ns &&
	       trace_since_origin(t, session, first_ns) <= f->to_ns;
}

bool filter_event(struct filter *f, const struct trace *t, const struct trace_event *e)
{
	/* What has no duration has not taken so long. */
	if (f->min_duration_ns && e->kind == AYP_INSTANT)
		return false;
	return !f->any || (in_range(f, t, e->session, e->t_ns, e->t_ns) &&
				  (!f->has_cpus || f->cpu[e->cpu]) && func_passes(f, t, e->func) &&
				  task_passes(f, t, e->session, e->tid, e->t_ns));
}

bool filter_call(struct filter *f, const struct trace *t, const struct trace_call *c)
{
	if (!f->any)
		return true;
	if (f->min_duration_ns &&
		(c->flags & TRACE_CALL_NO_EXIT || c->end_ns - c->start_ns < f->min_duration_ns))
		return false;
	return in_range(f, t, c->session, c->start_ns, c->end_ns) &&
	       (!f->has_cpus || f->cpu[c->cpu]) && func_passes(f, t, c->func) &&
	       task_passes(f, t, c->session, c->tid, c->start_ns);
}

bool filter_loss(const struct filter *f, const struct trace *t, const struct trace_loss *l)
{
	if (!f->any)
		return true;
	if (f->has_cpus && l->cpu >= 0 && !f->cpu[l->cpu & 0xff])
		return false;
	return l->first_ns || l->last_ns ? in_range(f, t, l->session, l->first_ns, l->last_ns)
					 : !f->from_ns && f->to_ns == UINT64_MAX;
}

bool filter_time(const struct filter *f, const struct trace *t, uint16_t session, uint64_t t_ns)
{
	return !f->any || in_range(f, t, session, t_ns, t_ns);
}
