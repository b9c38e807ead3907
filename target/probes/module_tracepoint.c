/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tracepoints that -p names: one instant each time. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "target/base/log.h"
#include "target/base/nearest.h"
#include "target/probes/call_instants.h"
#include "target/probes/perf_attach.h"
#include "target/probes/program_copy.h"
#include "target/probes/tracefs.h"

#define MAX_EVENTS 1024

struct event {
	char *path; /* "category/name" */
	uint16_t func;
	bool by_number; /* one of `calls` */
};

struct tracepoints {
	struct event at[MAX_EVENTS];
	size_t n;
	/* of the specification that is looked for, those beyond the most included */
	size_t matches;
	size_t more; /* beyond the most */
	struct program_copies copies;
	struct call_instants calls;
};

static bool have(const struct tracepoints *t, const char *path)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!strcmp(t->at[i].path, path))
			return true;
	return false;
}

static int on_event(void *ctx, const char *category, const char *name)
{
	struct tracepoints *t = ctx;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", category, name);
	t->matches++;
	/* Specifications may overlap: one tracepoint once. */
	if (have(t, path))
		return 0;
	if (t->n == MAX_EVENTS) {
		t->more++;
		return 0;
	}
	t->at[t->n].path = strdup(path);
	if (!t->at[t->n].path)
		return -ENOMEM;
	t->n++;
	return 0;
}

struct offering {
	struct nearest categories, names;
};

static int offer_event(void *ctx, const char *category, const char *name)
{
	struct offering *o = ctx;

	nearest_offer(&o->categories, category);
	nearest_offer(&o->names, name);
	return 0;
}

static int count_event(void *ctx, const char *category, const char *name)
{
	(*(size_t *)ctx)++;
	return 0;
}

static void explain(const struct config *cfg, const struct probe_spec *spec)
{
	const char *wrong = spec_wrong_pattern(spec->path);
	char names[3 * NEAREST_NAME + 16];
	struct offering o;
	size_t in_category = 0;

	if (!wrong)
		wrong = spec_wrong_pattern(spec->glob);
	if (wrong) {
		spec_missed(cfg, spec, "it is no pattern: %s", wrong);
		return;
	}
	nearest_init(&o.categories, spec->path);
	nearest_init(&o.names, spec->glob);
	tracefs_each_event(spec->path, "*", count_event, &in_category);
	tracefs_each_event(in_category ? spec->path : "*", "*", offer_event, &o);
	nearest_text(in_category ? &o.names : &o.categories, names, sizeof(names));
	if (in_category)
		spec_missed(cfg, spec, "no tracepoint of %s matches %s%s%s%s", spec->path,
			spec->glob, names[0] ? "; is it " : "", names, names[0] ? "?" : "");
	else
		spec_missed(cfg, spec, "this kernel has no tracepoints of a category %s%s%s%s",
			spec->path, names[0] ? "; is it " : "", names, names[0] ? "?" : "");
}

static int find(struct tracepoints *t, const struct config *cfg, const struct probe_spec *spec)
{
	int err;

	t->matches = 0;
	err = tracefs_each_event(spec->path, spec->glob, on_event, t);
	if (!err && t->more) {
		log_error(
			"%s: %zu tracepoints match, and %u is the most that can be traced at once; "
			"use a narrower pattern",
			spec_text(spec), t->matches, MAX_EVENTS);
		return -E2BIG;
	}
	if (err)
		log_error("%s: cannot read tracefs: %s; needs root and CONFIG_FTRACE",
			spec_text(spec), strerror(-err));
	else if (!t->matches)
		explain(cfg, spec);
	return err;
}

static int find_all(struct tracepoints *t, const struct config *cfg, struct spec_counts *specs)
{
	size_t i;
	int err = 0;

	for (i = 0; i < cfg->n_probes && !err; i++) {
		if (cfg->probes[i].type != SPEC_TRACEPOINT)
			continue;
		err = find(t, cfg, &cfg->probes[i]);
		specs->found += t->matches > 0;
		specs->missed += !t->matches;
	}
	return err;
}

/* Are there so many system calls that each being an event of its own would take its time? */
static bool many_calls(const struct probes *p, const struct tracepoints *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->n && n < CALL_INSTANTS_LEAST; i++)
		n += call_instants_know(t->at[i].path);
	return n == CALL_INSTANTS_LEAST && mechanism_wanted(p, "raw_tp");
}

static int name_event(struct module *m, struct event *e, bool by_number)
{
	struct tracepoints *t = m->state;
	char text[256];
	int id;

	snprintf(text, sizeof(text), "%s", e->path);
	*strchr(text, '/') = ':';
	e->by_number = by_number && call_instants_know(e->path);
	if (e->by_number)
		return call_instants_take(&t->calls, m->p, e->path, text, &e->func);
	id = names_add_func(m->p->names, AYP_CLASS_TRACEPOINT, text, NULL);
	if (id < 0)
		return id;
	e->func = (uint16_t)id;
	return 0;
}

static int plan(struct module *m)
{
	struct tracepoints *t = calloc(1, sizeof(*t));
	bool by_number;
	size_t i;
	int err;

	if (!t)
		return -ENOMEM;
	m->state = t;
	err = find_all(t, m->p->cfg, &m->p->specs);
	if (!err && m->by_spec && !t->n)
		err = -ENOENT;
	by_number = !err && many_calls(m->p, t);
	for (i = 0; i < t->n && !err; i++)
		err = name_event(m, &t->at[i], by_number);
	return err;
}

/* By name: no perf event in between. Events that are no tracepoints of their own
 * (syscalls:sys_enter_*) are refused. */
static int raw_attach(struct program_copies *c, const struct event *e)
{
	int fd = program_copy(c, BODY_INSTANT, e->func, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0), link;

	if (fd < 0)
		return fd;
	link = bpf_raw_tracepoint_open(strchr(e->path, '/') + 1, fd);
	return link < 0 ? -errno : link;
}

static int tp_attach(struct program_copies *c, const struct event *e)
{
	int fd = program_copy(c, BODY_INSTANT, e->func, BPF_PROG_TYPE_TRACEPOINT, 0, 0);

	return fd < 0 ? fd : perf_attach_tracepoint(fd, e->path, 0, false);
}

static const struct {
	const char *mechanism;
	int (*attach)(struct program_copies *c, const struct event *e);
} ways[] = {
	{"raw_tp", raw_attach},
	{"tp", tp_attach},
};
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static void attach_event(struct module *m, const struct event *e)
{
	struct tracepoints *t = m->state;
	char text[96];
	int err = -EOPNOTSUPP;
	size_t w;

	for (w = 0; w < N_WAYS; w++) {
		if (!mechanism_wanted(m->p, ways[w].mechanism))
			continue;
		err = fd_list_add(&m->links, ways[w].attach(&t->copies, e));
		if (!err) {
			report_live(m, ways[w].mechanism, 1);
			return;
		}
	}
	report_failed(m, 1, "%s: %s", e->path, why(err, "tp", text, sizeof(text)));
}

/* Those that cannot be had this way are tried one by one. */
static void attach_calls(struct module *m)
{
	struct tracepoints *t = m->state;
	int err = t->calls.n ? call_instants_attach(&t->calls, m) : 0;
	char text[96];
	size_t i;

	if (err) {
		log_detail("tracepoint: system calls by raw_tp: %s",
			why(err, "raw_tp", text, sizeof(text)));
		for (i = 0; i < t->n; i++)
			t->at[i].by_number = false;
	} else if (t->calls.n) {
		report_live(m, "raw_tp", (uint32_t)t->calls.n);
	}
}

static int attach(struct module *m)
{
	struct tracepoints *t = m->state;
	char text[96];
	size_t i;
	int err;

	if (!t->n) {
		report_failed(m, 0, "it needs -p t:CATEGORY:NAME");
		return -EINVAL;
	}
	err = program_copies_open(&t->copies, &m->p->maps, &m->p->params);
	if (err) {
		report_failed(m, (uint32_t)t->n, "%s", why(err, "tp", text, sizeof(text)));
		return err;
	}
	attach_calls(m);
	for (i = 0; i < t->n; i++)
		if (!t->at[i].by_number)
			attach_event(m, &t->at[i]);
	if (m->report.failed && m->report.attached)
		log_warn("%u of %zu tracepoints are traced; the others: %s", m->report.attached,
			t->n, m->report.note);
	return m->report.attached ? 0 : -ENOTSUP;
}

static uint64_t misses(struct module *m)
{
	struct tracepoints *t = m->state;

	return t ? program_copies_misses(&t->copies) + programs_misses(&m->programs) : 0;
}

static int check(struct module *m)
{
	struct tracepoints *t = m->state;
	static char path[] = "sched/sched_process_fork";
	const struct event e = {.path = path};
	int err, works = 0;
	size_t w;

	err = program_copies_open(&t->copies, &m->p->maps, &m->p->params);
	for (w = 0; w < N_WAYS; w++) {
		int tried = err ? err : fd_list_add(&m->links, ways[w].attach(&t->copies, &e));

		check_line(m->ops->name, "any", ways[w].mechanism, tried, "");
		works += !tried;
		fd_list_cut(&m->links, 0);
	}
	return works;
}

static void release(struct module *m)
{
	struct tracepoints *t = m->state;

	if (!t)
		return;
	program_copies_close(&t->copies);
	while (t->n)
		free(t->at[--t->n].path);
	free(t);
}

static const char *const by_mechanism[] = {"raw_tp", "tp", NULL};

const struct module_ops module_tracepoint = {
	.name = "tracepoint",
	.summary = "tracepoints as instants (-p t:CATEGORY:NAME)",
	.turn = TURN_LATER,
	.mechanisms = by_mechanism,
	.spec_types = 1u << SPEC_TRACEPOINT,
	.plan = plan,
	.attach = attach,
	.misses = misses,
	.release = release,
	.check = check,
};
