/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Calls, instants, samples, losses and kernel messages; times as on the board's monotonic clock. Each kind is an array
 * of its own, but they come mixed: they wait in files without names until all have come.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "host/base/json.h"
#include "host/base/temp_file.h"
#include "host/views/export.h"

enum section {
	SECTION_INSTANTS,
	SECTION_CALLS,
	SECTION_SAMPLES,
	SECTION_LOST,
	SECTION_LOG,
	SECTIONS
};

#define SECTION_DEPTH 2u /* of what is in an array of the outermost object */

struct state {
	struct json part[SECTIONS]; /* out: NULL when there is nothing in it */
};

/* NULL: it cannot be written, which has been noted. */
static struct json *in_section(struct exporter *x, enum section section)
{
	struct state *s = x->state;
	FILE *file;
	int fd;

	if (s->part[section].out)
		return &s->part[section];
	fd = temp_file_open();
	file = fd < 0 ? NULL : fdopen(fd, "w+");
	if (!file) {
		export_fail(x, fd < 0 ? fd : -ENOMEM);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	json_part_begin(&s->part[section], file, SECTION_DEPTH);
	return &s->part[section];
}

static void close_element(struct exporter *x, struct json *j)
{
	json_close(j);
	x->written++;
	if (ferror(j->out))
		export_fail(x, -errno);
}

static void write_identity(struct json *j, const struct trace *t, uint16_t func,
	const struct trace_task *task, uint32_t tid, unsigned int cpu)
{
	const struct trace_func *f = trace_func(t, func);

	json_text(j, "name", f->name);
	json_text(j, "kind", ayp_class_info(f->cls)->name);
	if (*f->owner)
		json_text(j, "owner", f->owner);
	json_uint(j, "tid", tid);
	if (task)
		json_text(j, "task", task->comm);
	json_uint(j, "cpu", cpu);
}

/* Frames by name, innermost first. */
static void write_stack(struct json *j, const struct trace *t, uint16_t session, uint32_t id)
{
	const struct trace_stack *stack = trace_stack(t, session, id);

	json_array(j, "stack");
	for (uint32_t i = 0; stack && i < stack->n; i++)
		json_text(j, NULL, trace_symbol(t, session, stack->symbols[i]));
	json_close(j);
}

static void write_instant(struct exporter *x, const struct trace_event *e)
{
	const struct trace *t = x->recording->trace;
	unsigned int cls = trace_func(t, e->func)->cls;
	const struct ayp_class_info *info = ayp_class_info(cls);
	struct json *j = e->kind == AYP_INSTANT ? in_section(x, SECTION_INSTANTS) : NULL;

	if (!j)
		return;
	json_flat_object(j, NULL);
	json_uint(j, "session", e->session);
	json_uint(j, "t_ns", e->t_ns);
	json_uint(j, "since_ns", trace_since_origin(t, e->session, e->t_ns));
	write_identity(j, t, e->func, trace_task(t, e->session, e->tid, e->t_ns), e->tid, e->cpu);
	if (e->nargs) {
		json_object(j, "args");
		for (uint8_t i = 0; i < e->nargs; i++)
			json_wide(j, info->arg_names[i] ? info->arg_names[i] : "arg", e->arg[i]);
		json_close(j);
	}
	if (cls == AYP_CLASS_SAMPLE && e->nargs)
		write_stack(j, t, e->session, (uint32_t)e->arg[0]);
	close_element(x, j);
}

static void write_call(struct exporter *x, const struct trace_call *c)
{
	const struct trace *t = x->recording->trace;
	struct json *j = in_section(x, SECTION_CALLS);

	if (!j)
		return;
	json_flat_object(j, NULL);
	json_uint(j, "session", c->session);
	json_uint(j, "start_ns", c->start_ns);
	json_uint(j, "end_ns", c->end_ns);
	json_uint(j, "since_ns", trace_since_origin(t, c->session, c->start_ns));
	json_uint(j, "duration_ns", c->end_ns - c->start_ns);
	json_uint(j, "self_ns", c->self_ns);
	json_uint(j, "depth", c->depth);
	json_bool(j, "complete", !(c->flags & TRACE_CALL_NO_EXIT));
	if (c->flags & TRACE_CALL_REPAIRED)
		json_bool(j, "repaired", true);
	write_identity(
		j, t, c->func, trace_task(t, c->session, c->tid, c->start_ns), c->tid, c->cpu);
	close_element(x, j);
}

static void write_sample(struct exporter *x, uint16_t session, const ayaprof_Sample *s)
{
	const struct trace *t = x->recording->trace;
	struct json *j = in_section(x, SECTION_SAMPLES);

	if (!j)
		return;
	json_flat_object(j, NULL);
	json_uint(j, "session", session);
	json_uint(j, "t_ns", s->t_ns);
	json_uint(j, "since_ns", trace_since_origin(t, session, s->t_ns));
	json_array(j, "memory");
	for (pb_size_t i = 0; i < s->memory_count; i++) {
		json_object(j, NULL);
		json_text(j, "type", s->memory[i].type ? "kmem_cache" : "kmalloc");
		json_uint(j, "alloc_bytes", s->memory[i].alloc_bytes);
		json_uint(j, "free_bytes", s->memory[i].free_bytes);
		json_uint(j, "alloc_count", s->memory[i].alloc_count);
		json_uint(j, "free_count", s->memory[i].free_count);
		json_uint(j, "untracked", s->memory[i].untracked);
		json_uint(j, "untracked_bytes", s->memory[i].untracked_bytes);
		json_uint(j, "one_in", s->memory[i].one_in > 1 ? s->memory[i].one_in : 1);
		json_uint(j, "unseen", s->memory[i].unseen);
		json_uint(j, "gone_bytes", s->memory[i].gone_bytes);
		json_uint(j, "gone_count", s->memory[i].gone_count);
		json_close(j);
	}
	json_close(j);
	json_array(j, "interfaces");
	for (pb_size_t i = 0; i < s->interfaces_count; i++) {
		const ayaprof_InterfaceSample *in = &s->interfaces[i];
		const char *name = trace_iface(t, session, in->ifindex);

		json_object(j, NULL);
		json_uint(j, "ifindex", in->ifindex);
		if (name)
			json_text(j, "name", name);
		json_uint(j, "rx_bytes", in->rx_bytes);
		json_uint(j, "rx_packets", in->rx_packets);
		json_uint(j, "tx_bytes", in->tx_bytes);
		json_uint(j, "tx_packets", in->tx_packets);
		json_close(j);
	}
	json_close(j);
	close_element(x, j);
}

static void write_lost(struct exporter *x, const struct trace_loss *l)
{
	struct json *j = in_section(x, SECTION_LOST);

	if (!j)
		return;
	json_flat_object(j, NULL);
	json_uint(j, "session", l->session);
	json_text(j, "cause", ayp_loss_cause_name(l->cause));
	if (l->cpu < 0)
		json_null(j, "cpu");
	else
		json_int(j, "cpu", l->cpu);
	json_uint(j, "first_ns", l->first_ns);
	json_uint(j, "last_ns", l->last_ns);
	if (l->first_ns || l->last_ns) {
		json_uint(j, "since_ns",
			trace_since_origin(x->recording->trace, l->session, l->first_ns));
		json_uint(j, "duration_ns", l->last_ns - l->first_ns);
	}
	json_uint(j, "count", l->count);
	close_element(x, j);
}

static void write_log(struct exporter *x, const struct trace_log *r)
{
	struct json *j = in_section(x, SECTION_LOG);

	if (!j)
		return;
	json_flat_object(j, NULL);
	json_uint(j, "session", r->session);
	json_uint(j, "t_us", r->t_us);
	json_uint(j, "priority", r->priority);
	json_text(j, "text", r->text);
	close_element(x, j);
}

static void write_head(struct json *j, const struct recording *r)
{
	const struct trace_totals *totals = trace_totals(r->trace);

	json_uint(j, "origin_ns", totals->origin_ns);
	/* Readers that take numbers for doubles have the digits of times beyond 2^53 from here, and since_ns. */
	json_digits(j, "origin", totals->origin_ns);
	json_uint(j, "duration_ns", totals->duration_ns);
	json_bool(j, "complete", r->complete);
}

static void end(struct exporter *x)
{
	static const char *const names[SECTIONS] = {
		[SECTION_INSTANTS] = "instants",
		[SECTION_CALLS] = "calls",
		[SECTION_SAMPLES] = "samples",
		[SECTION_LOST] = "lost",
		[SECTION_LOG] = "log",
	};
	struct state *s = x->state;
	struct json j;

	json_begin(&j, x->out);
	write_head(&j, x->recording);
	for (unsigned int i = 0; i < SECTIONS; i++) {
		int err = 0;

		json_array(&j, names[i]);
		if (s->part[i].out)
			err = json_part_put(&j, &s->part[i]);
		json_close(&j);
		if (err)
			export_fail(x, err);
	}
	json_end(&j);
}

static void release(struct exporter *x)
{
	struct state *s = x->state;

	for (unsigned int i = 0; i < SECTIONS; i++)
		if (s->part[i].out)
			fclose(s->part[i].out);
}

const struct export_ops export_json = {
	.name = "json",
	.summary = "calls with their times, instants with their arguments, samples, losses, kernel"
		   " messages",
	.state_size = sizeof(struct state),
	.event = write_instant,
	.call = write_call,
	.sample = write_sample,
	.lost = write_lost,
	.log = write_log,
	.end = end,
	.free = release,
	.content = "calls, instants, samples, losses or kernel messages",
};
