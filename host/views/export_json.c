/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls, instants, samples, losses and kernel messages; times as on the board's monotonic clock. */
#include <inttypes.h>
#include <stdio.h>

#include "host/views/export.h"
#include "host/base/json.h"

enum section {
	SECTION_NONE,
	SECTION_INSTANTS,
	SECTION_CALLS,
	SECTION_SAMPLES,
	SECTION_LOST,
	SECTION_LOG,
	SECTIONS
};

struct state {
	struct json j;
	enum section section;
};

/* Sections come in their order, also empty ones. */
static struct json *in_section(struct exporter *x, enum section section)
{
	static const char *const names[SECTIONS] = {
		"", "instants", "calls", "samples", "lost", "log"};
	struct state *s = x->state;

	while (s->section < section) {
		if (s->section != SECTION_NONE)
			json_close(&s->j);
		json_array(&s->j, names[++s->section]);
	}
	return &s->j;
}

static void begin(struct exporter *x)
{
	struct state *s = x->state;
	char text[24];

	json_begin(&s->j, x->out);
	json_uint(&s->j, "origin_ns", x->m->origin_ns);
	/* Readers that take numbers for doubles have the digits of times beyond 2^53 from here, and since_ns. */
	snprintf(text, sizeof(text), "%" PRIu64, x->m->origin_ns);
	json_text(&s->j, "origin", text);
	json_uint(&s->j, "duration_ns", x->m->duration_ns);
	json_bool(&s->j, "complete", x->m->complete);
}

static void write_identity(
	struct json *j, const struct model *m, uint16_t func, uint32_t tid, unsigned int cpu)
{
	const struct model_func *f = model_func(m, func);
	const struct model_task *task = model_task(m, tid);

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
static void write_stack(struct json *j, const struct model *m, uint32_t id)
{
	const struct model_stack *stack = model_stack(m, id);

	json_array(j, "stack");
	for (uint32_t i = 0; stack && i < stack->n; i++)
		json_text(j, NULL, model_symbol(m, stack->symbols[i]));
	json_close(j);
}

static void write_instant(struct exporter *x, const struct model_event *e)
{
	const struct ayp_class_info *info = ayp_class_info(model_func(x->m, e->func)->cls);
	struct json *j;

	if (e->kind != AYP_INSTANT)
		return;
	j = in_section(x, SECTION_INSTANTS);
	json_flat_object(j, NULL);
	json_uint(j, "session", e->session);
	json_uint(j, "t_ns", e->t_ns);
	json_uint(j, "since_ns", model_since_origin(x->m, e->session, e->t_ns));
	write_identity(j, x->m, e->func, e->tid, e->cpu);
	if (e->nargs) {
		json_object(j, "args");
		for (uint8_t i = 0; i < e->nargs; i++)
			json_uint(j, info->arg_names[i] ? info->arg_names[i] : "arg",
				x->m->args[e->arg_at + i]);
		json_close(j);
	}
	if (model_func(x->m, e->func)->cls == AYP_CLASS_SAMPLE && e->nargs)
		write_stack(j, x->m, (uint32_t)x->m->args[e->arg_at]);
	json_close(j);
}

static void write_call(struct exporter *x, const struct model_call *c)
{
	struct json *j = in_section(x, SECTION_CALLS);

	json_flat_object(j, NULL);
	json_uint(j, "session", c->session);
	json_uint(j, "start_ns", c->start_ns);
	json_uint(j, "end_ns", c->end_ns);
	json_uint(j, "since_ns", model_since_origin(x->m, c->session, c->start_ns));
	json_uint(j, "duration_ns", c->end_ns - c->start_ns);
	json_uint(j, "self_ns", c->self_ns);
	json_uint(j, "depth", c->depth);
	json_bool(j, "complete", !(c->flags & CALL_NO_EXIT));
	write_identity(j, x->m, c->func, c->tid, c->cpu);
	json_close(j);
}

static void write_sample(struct exporter *x, uint8_t session, const ayaprof_Sample *s)
{
	struct json *j = in_section(x, SECTION_SAMPLES);

	json_flat_object(j, NULL);
	json_uint(j, "session", session);
	json_uint(j, "t_ns", s->t_ns);
	json_uint(j, "since_ns", model_since_origin(x->m, session, s->t_ns));
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
		const struct model_iface *iface = model_iface(x->m, in->ifindex);

		json_object(j, NULL);
		json_uint(j, "ifindex", in->ifindex);
		if (iface)
			json_text(j, "name", iface->name);
		json_uint(j, "rx_bytes", in->rx_bytes);
		json_uint(j, "rx_packets", in->rx_packets);
		json_uint(j, "tx_bytes", in->tx_bytes);
		json_uint(j, "tx_packets", in->tx_packets);
		json_close(j);
	}
	json_close(j);
	json_close(j);
}

static void write_lost(struct exporter *x, const struct model_loss *l)
{
	struct json *j = in_section(x, SECTION_LOST);

	json_flat_object(j, NULL);
	json_uint(j, "session", l->session);
	json_text(j, "cause", ayp_loss_cause_name(l->cause));
	if (l->cpu < 0)
		json_null(j, "cpu");
	else
		json_int(j, "cpu", l->cpu);
	json_uint(j, "first_ns", l->first_ns);
	json_uint(j, "last_ns", l->last_ns);
	json_uint(j, "count", l->count);
	json_close(j);
}

static void write_log(struct exporter *x, const struct model_log *r)
{
	struct json *j = in_section(x, SECTION_LOG);

	json_flat_object(j, NULL);
	json_uint(j, "session", r->session);
	json_uint(j, "t_us", r->t_us);
	json_uint(j, "priority", r->priority);
	json_text(j, "text", r->text);
	json_close(j);
}

static void end(struct exporter *x)
{
	struct state *s = x->state;

	json_close(in_section(x, SECTION_LOG));
	json_end(&s->j);
}

const struct export_ops export_json = {
	.name = "json",
	.summary = "calls with their times, instants with their arguments, samples, losses, kernel"
		   " messages",
	.state_size = sizeof(struct state),
	.begin = begin,
	.event = write_instant,
	.call = write_call,
	.sample = write_sample,
	.lost = write_lost,
	.log = write_log,
	.end = end,
};
