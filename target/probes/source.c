/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The running kernel as a source of events: starts the modules, carries their records to the
 * daemon, keeps the books. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/probes/session.h"

static struct probes *self(struct source *s)
{
	return (struct probes *)s;
}

static int do_start(struct source *s)
{
	uint64_t before = now_ns();
	int err = session_start(self(s));

	s->attach_seconds = (double)(now_ns() - before) / 1e9;
	return err;
}

static uint64_t all_misses(struct probes *p)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < p->n_modules; i++)
		sum += module_misses(&p->modules[i]);
	return sum;
}

static void read_misses(struct probes *p)
{
	uint64_t now = all_misses(p) - p->misses_before;

	/* What the kernel counts and what is counted here are not read at one moment. */
	if ((int64_t)now > (int64_t)p->misses)
		p->misses = now;
}

/* With hundreds of probes it takes a while to ask for all of them: 2 % of the time at most. */
static void look_for_misses(struct probes *p)
{
	uint64_t start = now_ns();

	if (p->stopped || start < p->misses_due_ns)
		return;
	read_misses(p);
	p->misses_due_ns = start + 50 * (now_ns() - start);
}

static int do_activate(struct source *s)
{
	struct probes *p = self(s);
	size_t i;

	for (i = 0; i < p->n_modules; i++)
		if (p->modules[i].live && p->modules[i].ops->activate)
			p->modules[i].ops->activate(&p->modules[i]);
	p->misses_before = all_misses(p);
	maps_set_active(&p->maps, true, p->pids.self);
	return ring_start(&p->ring);
}

static int do_fd(struct source *s)
{
	return self(s)->ring.poll_fd;
}

static bool to_event(struct probes *p, const struct ayp_rec *rec, size_t size, struct ayp_event *ev)
{
	size_t i, args = (size - sizeof(*rec)) / sizeof(uint64_t);

	*ev = (struct ayp_event){
		.t_ns = rec->t_ns,
		.tid = rec->tid,
		.func = rec->func,
		.cpu = rec->cpu,
		.kind = rec->kind,
	};
	if (rec->kind == AYP_REC_STACK) {
		if (size < sizeof(struct ayp_rec_stack))
			return false;
		for (i = 0; i < p->n_modules; i++)
			if (p->modules[i].live && p->modules[i].ops->stack &&
				rec->func == p->modules[i].stack_func)
				return p->modules[i].ops->stack(
					&p->modules[i], (const void *)rec, ev);
		return false;
	}
	if (rec->kind >= AYP_EVENT_KINDS)
		return false;
	ev->nargs = (uint8_t)(args < AYP_REC_MAX_ARGS ? args : AYP_REC_MAX_ARGS);
	memcpy(ev->arg, rec + 1, ev->nargs * sizeof(uint64_t));
	return true;
}

void probes_event(struct probes *p, const struct ayp_event *ev)
{
	p->handed_over++;
	p->sink->event(p->sink->ctx, ev);
}

static void on_record(void *ctx, const struct ayp_rec *rec, size_t size)
{
	struct probes *p = ctx;
	struct ayp_event ev;

	if (rec->kind == AYP_REC_TASK) {
		if (size >= sizeof(struct ayp_rec_task))
			identity_learn(p->names, (const struct ayp_rec_task *)rec);
		return;
	}
	if (to_event(p, rec, size, &ev))
		probes_event(p, &ev);
}

/* True if some records still wait to become events. */
static bool take_late(struct probes *p, bool last)
{
	bool waiting = false;

	for (size_t i = 0; i < p->n_modules; i++)
		if (p->modules[i].live && p->modules[i].ops->late)
			waiting |= p->modules[i].ops->late(&p->modules[i], last);
	return waiting;
}

static void look_around(struct probes *p, uint64_t now)
{
	size_t i;

	if (p->stopped || now < p->look_due_ns)
		return;
	for (i = 0; i < p->n_modules; i++)
		if (p->modules[i].live && p->modules[i].ops->look)
			p->modules[i].ops->look(&p->modules[i], now);
	p->look_due_ns = now + NS_PER_S;
}

static int do_consume(struct source *s, unsigned int max, uint64_t now_ns)
{
	struct probes *p = self(s);
	uint64_t before = p->handed_over;
	unsigned int batch;
	bool waiting = take_late(p, false);

	look_around(p, now_ns);
	/* Names are records but no events: a batch of nothing but names is not the end. */
	do
		batch = ring_take(&p->ring, max);
	while (batch == max && max && p->handed_over == before);
	/* What waits becomes events before the books are closed. */
	if (p->stopped && p->handed_over == before)
		waiting = take_late(p, true);
	if (p->stopped && waiting && p->handed_over == before)
		return -EAGAIN;
	return (int)(p->handed_over - before);
}

static uint64_t do_next_due_ns(struct source *s)
{
	return 0;
}

static void do_deactivate(struct source *s)
{
	struct probes *p = self(s);

	if (p->stopped)
		return;
	maps_set_active(&p->maps, false, p->pids.self);
	/* At once: the kernel goes on counting until all is detached. */
	read_misses(p);
	p->stopped = true;
	maps_wait(&p->maps);
	session_detach(p);
}

static uint64_t do_produced(struct source *s)
{
	struct probes *p = self(s);

	if (!p->stopped)
		read_misses(p);
	return maps_produced(&p->maps) + p->misses;
}

static size_t do_losses(struct source *s, struct source_loss *rows, size_t cap)
{
	struct probes *p = self(s);
	size_t n = 0;
	uint32_t cpu;

	look_for_misses(p);
	if (p->misses && n < cap)
		rows[n++] = (struct source_loss){.cause = ayaprof_LossCause_LOSS_MISSED_RETURN,
			.cpu = -1,
			.count = p->misses};
	for (cpu = 0; cpu < p->maps.cpus && n < cap; cpu++) {
		uint64_t lost = maps_lost(&p->maps, cpu);

		if (lost)
			rows[n++] = (struct source_loss){
				.cause = ayaprof_LossCause_LOSS_RING_FULL,
				.cpu = (int)cpu,
				.count = lost,
				.first_ns = p->maps.books[cpu].first_lost_ns,
				.last_ns = p->maps.books[cpu].last_lost_ns,
			};
	}
	return n;
}

static bool do_sample(struct source *s, ayaprof_Sample *sample)
{
	struct probes *p = self(s);
	bool any = false;
	size_t i;

	for (i = 0; i < p->n_modules; i++)
		if (p->modules[i].live && p->modules[i].ops->sample) {
			p->modules[i].ops->sample(&p->modules[i], sample);
			any = true;
		}
	return any;
}

static size_t do_totals(struct source *s, uint32_t *func, ayaprof_Aggregate *rows, size_t cap)
{
	struct probes *p = self(s);
	size_t n = 0, i;

	for (; *func < p->maps.n_funcs && n < cap; (*func)++) {
		ayaprof_Aggregate row = {.func = *func, .count = maps_begun(&p->maps, *func)};

		for (i = 0; i < p->n_modules; i++)
			if (p->modules[i].live && p->modules[i].ops->totals)
				p->modules[i].ops->totals(&p->modules[i], &row);
		if (row.count || row.alloc_count || row.free_count)
			rows[n++] = row;
	}
	return n;
}

static bool do_report(struct source *s, size_t i, struct source_report *out)
{
	struct probes *p = self(s);

	if (i >= p->n_modules)
		return false;
	*out = p->modules[i].report;
	return true;
}

static void do_free(struct source *s)
{
	struct probes *p = self(s);

	session_end(p);
	free(p);
}

static const struct source_ops ops = {
	.start = do_start,
	.activate = do_activate,
	.fd = do_fd,
	.consume = do_consume,
	.next_due_ns = do_next_due_ns,
	.deactivate = do_deactivate,
	.produced = do_produced,
	.losses = do_losses,
	.sample = do_sample,
	.totals = do_totals,
	.report = do_report,
	.free = do_free,
};

struct source *probes_source_new(
	const struct config *cfg, struct names *names, const struct source_sink *sink)
{
	struct probes *p = calloc(1, sizeof(*p));

	if (!p) {
		log_error("cannot trace the kernel: out of memory");
		return NULL;
	}
	p->base = (struct source){.ops = &ops, .name = "kernel"};
	p->cfg = cfg;
	p->names = names;
	p->sink = sink;
	session_init(p, on_record);
	return &p->base;
}
