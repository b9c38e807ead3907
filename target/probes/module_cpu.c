/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Stacks of what runs, at a fixed rate on every CPU; each different stack is told once. */
#include "target/probes/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/cpu.h"
#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/probes/intern.h"
#include "target/probes/perf_attach.h"
#include "target/probes/symbolizer.h"

static const char *const programs[] = {"cpu_sample", NULL};

/* Samples of one CPU. */
struct clock {
	int link, event;     /* -1: none; closing both detaches */
	uint64_t enabled_ns; /* how long it had been able to count at the last look */
};

/* Records whose names are being looked up wait, so that equal stacks are one: so many, so long; and
 * at the end. */
#define HELD_MAX    128u
#define HELD_NS     NS_PER_S
#define END_NS      (300 * NS_PER_MS)
#define END_STEP_MS 10

struct held {
	struct ayp_rec_stack rec;
	uint64_t until_ns;
};

struct cpu_module {
	struct symbolizer *symbolizer;
	struct held *held; /* oldest first */
	size_t n_held;
	uint64_t end_ns;
	uint32_t helper[2]; /* that are left out */
	/* Stacks by their addresses, to be quick, and by their symbols, which is what makes them
	 * equal. */
	struct intern by_address, by_symbol;
	uint32_t n_stacks;
	struct clock *clocks; /* of each possible CPU */
	int n_clocks;
};

static int plan(struct module *m)
{
	struct cpu_module *c = calloc(1, sizeof(*c));
	struct ayp_cpu_params *params = OWN_PARAMS_OF(m);
	int id;

	if (!c)
		return -ENOMEM;
	m->state = c;
	c->symbolizer = symbolizer_new(m->p->names);
	c->held = calloc(HELD_MAX, sizeof(*c->held));
	if (!c->symbolizer || !c->held || intern_init(&c->by_address, 8192) ||
		intern_init(&c->by_symbol, 8192))
		return -ENOMEM;
	id = names_add_func(m->p->names, AYP_CLASS_SAMPLE, "cpu_sample", NULL);
	if (id < 0)
		return id;
	params->func_sample = m->stack_func = (uint16_t)id;
	return 0;
}

static void clock_stop(struct clock *k)
{
	if (k->link >= 0)
		close(k->link);
	if (k->event >= 0)
		close(k->event);
	*k = (struct clock){.link = -1, .event = -1};
}

/* 0, -ENODEV when the CPU is not there at the moment, or another negative errno. */
static int clock_start(struct module *m, int cpu)
{
	struct cpu_module *c = m->state;
	struct clock *k = &c->clocks[cpu];

	clock_stop(k);
	k->link = perf_attach_clock(
		m->programs.fd[m->programs.n - 1], cpu, m->p->cfg->sample_hz, &k->event);
	return k->link < 0 ? k->link : 0;
}

/* A CPU that goes offline (hotplug, suspend) takes its event with it, and one that comes has
 * none. */
static void look(struct module *m, uint64_t now_ns)
{
	struct cpu_module *c = m->state;
	int cpu, err;

	for (cpu = 0; cpu < c->n_clocks; cpu++) {
		struct clock *k = &c->clocks[cpu];
		bool had = k->link >= 0;

		if (had && perf_event_runs(k->event, &k->enabled_ns))
			continue;
		err = clock_start(m, cpu);
		if (!err)
			log_note("cpu: CPU %d has %s: its stacks are sampled again", cpu,
				had ? "been away" : "come");
		else if (had)
			log_note("cpu: CPU %d is offline: no stacks of it", cpu);
	}
}

static void detached(struct module *m)
{
	struct cpu_module *c = m->state;
	int cpu;

	for (cpu = 0; c && cpu < c->n_clocks; cpu++)
		clock_stop(&c->clocks[cpu]);
}

static int attach(struct module *m)
{
	struct cpu_module *c = m->state;
	int cpus = libbpf_num_possible_cpus(), cpu, err = 0;
	struct ayp_cpu_params *params = OWN_PARAMS_OF(m);
	struct bpf_object *o;
	char text[128];

	if (m->p->pids.proc_differs) {
		params->proc_dev = m->p->pids.dev;
		params->proc_ino = m->p->pids.ino;
	}
	o = object_load_own(
		&image_cpu, programs, &m->p->maps, &m->p->params, params, sizeof(*params), &err);
	if (o)
		err = programs_keep(&m->programs, o);
	if (err) {
		report_failed(m, 1, "%s", why(err, "perf", text, sizeof(text)));
		return err;
	}
	detached(m);
	free(c->clocks);
	c->n_clocks = 0;
	c->clocks = cpus > 0 ? calloc((size_t)cpus, sizeof(*c->clocks)) : NULL;
	if (!c->clocks)
		return -ENOMEM;
	for (cpu = 0; cpu < cpus; cpu++)
		c->clocks[cpu] = (struct clock){.link = -1, .event = -1};
	c->n_clocks = cpus;
	for (cpu = 0; cpu < cpus; cpu++) {
		err = clock_start(m, cpu);
		if (!err)
			report_live(m, "perf", 1);
		else if (err != -ENODEV) /* possible, but not there */
			report_failed(
				m, 1, "CPU %d: %s", cpu, why(err, "perf", text, sizeof(text)));
	}
	return m->report.attached ? 0 : -ENOTSUP;
}

static int check(struct module *m)
{
	int err = attach(m);

	check_line(m->ops->name, "clock", "perf", err, "");
	return !err;
}

/* Return addresses point behind the call, which may be behind the function. False: not all names
 * are known yet; `settle`: what is not known stays so. */
static bool symbolize(
	struct module *m, const struct ayp_rec_stack *rec, bool settle, ayaprof_Stack *stack)
{
	struct cpu_module *c = m->state;
	size_t kernel = rec->kernel_frames < AYP_STACK_DEPTH ? rec->kernel_frames : AYP_STACK_DEPTH;
	size_t user = rec->user_frames < AYP_STACK_DEPTH ? rec->user_frames : AYP_STACK_DEPTH;
	uint64_t now = now_ns();
	bool complete = true;
	size_t i;

	for (i = 0; i < kernel; i++)
		stack->symbols[stack->symbols_count++] =
			symbolizer_kernel(c->symbolizer, rec->kernel[i] - (i > 0));
	stack->kernel_frames = (uint32_t)kernel;
	for (i = 0; i < user; i++) {
		uint32_t id =
			symbolizer_user(c->symbolizer, rec->proc_tgid, rec->user[i] - (i > 0), now);

		complete &= id != 0;
		if (!id && settle)
			id = symbolizer_unknown(c->symbolizer);
		stack->symbols[stack->symbols_count++] = id;
	}
	return complete;
}

/* `layout`: of the process's mappings. */
static uint64_t address_hash(const struct ayp_rec_stack *rec, uint64_t layout)
{
	uint64_t hash = intern_hash(layout, &rec->tgid, sizeof(rec->tgid));

	hash = intern_hash(hash, rec->kernel, rec->kernel_frames * sizeof(rec->kernel[0]));
	return intern_hash(hash, rec->user, rec->user_frames * sizeof(rec->user[0]));
}

static uint32_t stack_id(struct module *m, const ayaprof_Stack *s)
{
	struct cpu_module *c = m->state;
	uint64_t hash;
	uint32_t id;

	hash = intern_hash(0, &s->tgid, sizeof(s->tgid));
	hash = intern_hash(hash, &s->kernel_frames, sizeof(s->kernel_frames));
	hash = intern_hash(hash, s->symbols, s->symbols_count * sizeof(s->symbols[0]));
	if (intern_find(&c->by_symbol, hash, &id))
		return id;
	id = ++c->n_stacks;
	intern_set(&c->by_symbol, hash, id);
	return id;
}

/* The stack of a record, told if it is a new one; 0: names are still being looked up. */
static uint32_t take_stack(struct module *m, const struct ayp_rec_stack *rec, bool settle)
{
	static ayaprof_Stack stack;
	struct cpu_module *c = m->state;
	/* Without frames of a process it does not matter what it has mapped. */
	uint64_t layout =
		rec->user_frames ? symbolizer_layout(c->symbolizer, rec->proc_tgid, now_ns()) : 1;
	uint64_t hash = address_hash(rec, layout);
	uint32_t id, before = c->n_stacks;
	bool complete;

	if (layout && intern_find(&c->by_address, hash, &id))
		return id;
	stack = (ayaprof_Stack){.tgid = rec->tgid};
	complete = symbolize(m, rec, settle, &stack);
	if (!complete && !settle)
		return 0;
	id = stack.id = stack_id(m, &stack);
	if (id > before)
		m->p->sink->stack(m->p->sink->ctx, &stack);
	if (layout && complete)
		intern_set(&c->by_address, hash, id);
	return id;
}

static void to_event(const struct ayp_rec *rec, uint32_t id, struct ayp_event *ev)
{
	*ev = (struct ayp_event){
		.t_ns = rec->t_ns,
		.tid = rec->tid,
		.func = rec->func,
		.cpu = rec->cpu,
		.kind = AYP_INSTANT,
		.nargs = 1,
		.arg = {id},
	};
}

/* Their work is ours: it would be seen in the trace, and be looked up itself. */
static void leave_out_helpers(struct module *m)
{
	struct cpu_module *c = m->state;
	uint32_t id[2];

	symbolizer_processes(c->symbolizer, id);
	if (id[0] == c->helper[0] && id[1] == c->helper[1])
		return;
	memcpy(c->helper, id, sizeof(id));
	maps_set_helpers(&m->p->maps, id[0], id[1]);
}

static bool stack(struct module *m, const struct ayp_rec_stack *rec, struct ayp_event *ev)
{
	struct cpu_module *c = m->state;
	uint32_t id = take_stack(m, rec, c->n_held == HELD_MAX);

	leave_out_helpers(m);
	if (!id) {
		c->held[c->n_held++] = (struct held){*rec, now_ns() + HELD_NS};
		return false;
	}
	to_event(&rec->rec, id, ev);
	return true;
}

/* No more records come: give what is asked the time of a look at a few files. */
static uint64_t wait_at_end(struct cpu_module *c)
{
	struct pollfd p = {.fd = symbolizer_fd(c->symbolizer), .events = POLLIN};

	if (!c->end_ns)
		c->end_ns = now_ns() + END_NS;
	if (p.fd >= 0 && now_ns() < c->end_ns)
		(void)poll(&p, 1, END_STEP_MS);
	return c->end_ns;
}

static bool late(struct module *m, bool last)
{
	struct cpu_module *c = m->state;
	uint64_t end_ns = last && c->n_held ? wait_at_end(c) : UINT64_MAX, now = now_ns();
	size_t left = 0;

	bool news = symbolizer_hear(c->symbolizer, now);

	leave_out_helpers(m);
	if (!news && !last && (!c->n_held || now < c->held[0].until_ns))
		return c->n_held > 0;
	for (size_t i = 0; i < c->n_held; i++) {
		struct held *h = &c->held[i];
		struct ayp_event ev;
		uint32_t id = take_stack(m, &h->rec, now >= h->until_ns || now >= end_ns);

		if (id) {
			to_event(&h->rec.rec, id, &ev);
			probes_event(m->p, &ev);
		} else if (left++ != i) {
			c->held[left - 1] = *h;
		}
	}
	c->n_held = left;
	return left > 0;
}

static void release(struct module *m)
{
	struct cpu_module *c = m->state;

	if (!c)
		return;
	symbolizer_free(c->symbolizer);
	free(c->held);
	intern_free(&c->by_address);
	intern_free(&c->by_symbol);
	detached(m);
	free(c->clocks);
	free(c);
}

static const char *const by_mechanism[] = {"perf", NULL};

const struct module_ops module_cpu = {
	.name = "cpu",
	.summary = "stacks of what runs, sampled on every CPU",
	.by_default = true,
	.turn = TURN_LATER,
	.own_params_size = sizeof(struct ayp_cpu_params),
	.mechanisms = by_mechanism,
	.plan = plan,
	.attach = attach,
	.look = look,
	.detached = detached,
	.stack = stack,
	.late = late,
	.release = release,
	.check = check,
};
