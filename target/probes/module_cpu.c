/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Stacks of what runs, at a fixed rate on every CPU; each different stack is told once. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "target/log.h"
#include "target/probes/intern.h"
#include "target/probes/perf_attach.h"
#include "target/probes/symbolizer.h"

static const char *const programs[] = {"cpu_sample", NULL};

/* Samples of one CPU. */
struct clock {
	int link, event;     /* -1: none; closing both detaches */
	uint64_t enabled_ns; /* how long it had been able to count at the last look */
};

struct cpu_module {
	struct symbolizer *symbolizer;
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
	int id;

	if (!c)
		return -ENOMEM;
	m->state = c;
	c->symbolizer = symbolizer_new(m->p->names);
	if (!c->symbolizer || intern_init(&c->by_address, 8192) || intern_init(&c->by_symbol, 8192))
		return -ENOMEM;
	id = names_add_func(m->p->names, AYP_CLASS_SAMPLE, "cpu_sample", NULL);
	if (id < 0)
		return id;
	m->p->params.func_sample = id;
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

/* A CPU that goes offline (hotplug, suspend) takes its event with it, and one that comes has none. */
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
	struct bpf_object *o;
	char text[128];

	o = object_load(&image_cpu, programs, &m->p->maps, &m->p->params, &err);
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

/* Return addresses point behind the call, which may be behind the function. */
static void symbolize(struct module *m, const struct ayp_rec_stack *rec, ayaprof_Stack *stack)
{
	struct cpu_module *c = m->state;
	size_t kernel = rec->kernel_frames < AYP_STACK_DEPTH ? rec->kernel_frames : AYP_STACK_DEPTH;
	size_t user = rec->user_frames < AYP_STACK_DEPTH ? rec->user_frames : AYP_STACK_DEPTH;
	size_t i;

	for (i = 0; i < kernel; i++)
		stack->symbols[stack->symbols_count++] =
			symbolizer_kernel(c->symbolizer, rec->kernel[i] - (i > 0));
	stack->kernel_frames = kernel;
	for (i = 0; i < user; i++)
		stack->symbols[stack->symbols_count++] =
			symbolizer_user(c->symbolizer, rec->proc_tgid, rec->user[i] - (i > 0));
}

static uint64_t address_hash(const struct ayp_rec_stack *rec)
{
	uint64_t hash = intern_hash(0, &rec->tgid, sizeof(rec->tgid));

	hash = intern_hash(hash, rec->kernel, rec->kernel_frames * sizeof(rec->kernel[0]));
	return intern_hash(hash, rec->user, rec->user_frames * sizeof(rec->user[0]));
}

static uint32_t new_stack(struct module *m, const struct ayp_rec_stack *rec)
{
	static ayaprof_Stack stack;
	struct cpu_module *c = m->state;
	uint64_t hash;
	uint32_t id;

	stack = (ayaprof_Stack){.tgid = rec->tgid};
	symbolize(m, rec, &stack);
	hash = intern_hash(0, &stack.tgid, sizeof(stack.tgid));
	hash = intern_hash(hash, &stack.kernel_frames, sizeof(stack.kernel_frames));
	hash = intern_hash(hash, stack.symbols, stack.symbols_count * sizeof(stack.symbols[0]));
	if (intern_find(&c->by_symbol, hash, &id))
		return id;
	id = ++c->n_stacks;
	stack.id = id;
	intern_set(&c->by_symbol, hash, id);
	m->p->sink->stack(m->p->sink->ctx, &stack);
	return id;
}

static bool stack(struct module *m, const struct ayp_rec_stack *rec, struct ayp_event *ev)
{
	struct cpu_module *c = m->state;
	uint64_t hash = address_hash(rec);
	uint32_t id;

	if (!intern_find(&c->by_address, hash, &id)) {
		id = new_stack(m, rec);
		intern_set(&c->by_address, hash, id);
	}
	ev->kind = AYP_INSTANT;
	ev->nargs = 1;
	ev->arg[0] = id;
	return true;
}

static void release(struct module *m)
{
	struct cpu_module *c = m->state;

	if (!c)
		return;
	symbolizer_free(c->symbolizer);
	intern_free(&c->by_address);
	intern_free(&c->by_symbol);
	detached(m);
	free(c->clocks);
	free(c);
}

const struct module_ops module_cpu = {
	.name = "cpu",
	.summary = "stacks of what runs, sampled on every CPU",
	.by_default = true,
	.plan = plan,
	.attach = attach,
	.look = look,
	.detached = detached,
	.stack = stack,
	.misses = parts_misses,
	.release = release,
	.check = check,
};
