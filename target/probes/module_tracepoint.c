/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tracepoints that -p names: one instant each time. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "target/log.h"
#include "target/probes/perf_attach.h"
#include "target/probes/program_copy.h"
#include "target/probes/tracefs.h"

#define MAX_EVENTS 1024

struct event {
	char *path; /* "category/name" */
	uint16_t func;
};

struct tracepoints {
	struct event at[MAX_EVENTS];
	size_t n;
	struct program_copies copies;
};

static int on_event(void *ctx, const char *category, const char *name)
{
	struct tracepoints *t = ctx;
	char path[256];
	size_t i;

	snprintf(path, sizeof(path), "%s/%s", category, name);
	for (i = 0; i < t->n; i++)
		if (!strcmp(t->at[i].path, path))
			return 0;
	if (t->n == MAX_EVENTS)
		return -E2BIG;
	t->at[t->n].path = strdup(path);
	if (!t->at[t->n].path)
		return -ENOMEM;
	t->n++;
	return 0;
}

static int find(struct tracepoints *t, const struct probe_spec *spec)
{
	size_t before = t->n;
	int err = tracefs_each_event(spec->path, spec->glob, on_event, t);

	if (err == -E2BIG)
		log_error("%s: more than %u tracepoints; use a narrower glob", spec->text,
			MAX_EVENTS);
	else if (err)
		log_error("%s: cannot read tracefs: %s; needs root and CONFIG_FTRACE", spec->text,
			strerror(-err));
	else if (t->n == before)
		log_error("%s: no tracepoint matches", spec->text);
	if (!err && t->n == before)
		err = -ENOENT;
	return err;
}

static int plan(struct module *m)
{
	const struct config *cfg = m->p->cfg;
	struct tracepoints *t = calloc(1, sizeof(*t));
	size_t i;
	int err = 0;

	if (!t)
		return -ENOMEM;
	m->state = t;
	for (i = 0; i < cfg->n_probes && !err; i++)
		if (cfg->probes[i].type == SPEC_TRACEPOINT)
			err = find(t, &cfg->probes[i]);
	for (i = 0; i < t->n && !err; i++) {
		char text[256];
		int id;

		snprintf(text, sizeof(text), "%s", t->at[i].path);
		*strchr(text, '/') = ':';
		id = names_add_func(m->p->names, AYP_CLASS_TRACEPOINT, text, NULL);
		if (id < 0)
			err = id;
		t->at[i].func = (uint16_t)id;
	}
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
	for (i = 0; i < t->n; i++)
		attach_event(m, &t->at[i]);
	return m->report.attached ? 0 : -ENOTSUP;
}

static uint64_t misses(struct module *m)
{
	struct tracepoints *t = m->state;

	return t ? program_copies_misses(&t->copies) : 0;
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

const struct module_ops module_tracepoint = {
	.name = "tracepoint",
	.summary = "tracepoints as instants (-p t:CATEGORY:NAME)",
	.spec_types = 1u << SPEC_TRACEPOINT,
	.plan = plan,
	.attach = attach,
	.misses = misses,
	.release = release,
	.check = check,
};
