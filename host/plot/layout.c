/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which panels a scene has, and the words on them. */
#include "host/plot/scene.h"

#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "host/base/text.h"
#include "host/model/memory_books.h"

static bool has_module(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n_sessions; i++)
		for (pb_size_t k = 0;
			m->sessions[i].has_hello && k < m->sessions[i].hello.modules_count; k++)
			if (!strcmp(m->sessions[i].hello.modules[k].name, name))
				return true;
	return false;
}

static bool is_replay(const struct model *m)
{
	bool replay = m->n_sessions > 0;

	for (size_t i = 0; i < m->n_sessions; i++)
		replay = replay && m->sessions[i].has_hello && m->sessions[i].hello.replay;
	return replay;
}

/* What a view is made of, and the module that brings it. */
static const struct {
	const char *title, *things, *module;
} kinds[PLOT_PANEL_KINDS] = {
	[PLOT_STACK] = {"Calls", "calls", NULL},
	[PLOT_MEMORY] = {"Memory outstanding", "memory samples", "memory"},
	[PLOT_THROUGHPUT] = {"Throughput (solid: in, dashed: out)", "traffic", "throughput"},
	[PLOT_XDP] = {"XDP packets", "XDP packets", "xdp"},
};

/* Why a panel has nothing to show in the whole recording. */
static void explain(const struct model *m, struct plot_panel *p)
{
	const char *things = kinds[p->kind].things, *module = kinds[p->kind].module;

	if (module && is_replay(m))
		snprintf(p->note, sizeof(p->note),
			"no %s: the recording is a replay of events only", things);
	else if (module && !has_module(m, module))
		snprintf(p->note, sizeof(p->note),
			"no %s: the recording was made without module \"%s\" (ayaprof-uart -M "
			"...,%s)",
			things, module, module);
	else if (module)
		snprintf(p->note, sizeof(p->note), "no %s came while module \"%s\" was on%s",
			things, module, m->lost_total ? " (but events were lost)" : "");
	else
		snprintf(p->note, sizeof(p->note), "no %s in the recording", things);
}

static struct plot_panel *add_panel(struct plot_scene *sc, enum plot_panel_kind kind, bool has_data)
{
	struct plot_panel *p = &sc->panels[sc->n_panels++];

	p->kind = (uint8_t)kind;
	p->cpu = -1;
	snprintf(p->title, sizeof(p->title), "%s", kinds[kind].title);
	if (!has_data)
		explain(sc->m, p);
	return p;
}

/* What the curve is an estimate of, and what it leaves out. */
static void remark_memory(const struct model *m, struct plot_panel *p)
{
	char text[TEXT_NUMBER], doubts[160], *to = p->remark;
	size_t cap = sizeof(p->remark), n;
	struct memory_books b;

	memory_books(&b, m);
	n = (size_t)snprintf(
		to, cap, "%s", memory_books_doubts(doubts, sizeof(doubts), b.one_in, b.unseen));
	if (b.total.untracked_count && n < cap)
		n += (size_t)snprintf(to + n, cap - n,
			"; not followed: %" PRIu64 " allocations, %s", b.total.untracked_count,
			text_bytes(text, b.total.untracked_bytes));
	if (b.total.gone_count && n < cap)
		snprintf(to + n, cap - n, "; left out: %s given back unseen, by slab statistics",
			text_bytes(text, b.total.gone_bytes));
}

/* Calls there are, but none where we look. */
static void explain_elsewhere(struct plot_scene *sc, struct plot_panel *p)
{
	if (sc->m->n_calls)
		snprintf(p->note, sizeof(p->note), "no calls in this part of the recording");
}

static void add_merged(struct plot_scene *sc)
{
	struct plot_panel *p = add_panel(sc, PLOT_STACK, sc->n_spans > 0);

	if (!sc->n_spans) {
		explain_elsewhere(sc, p);
		return;
	}
	snprintf(p->title, sizeof(p->title), "All CPUs%s",
		sc->merged.n_lanes > 1 ? " (what runs at once stands in layers)" : "");
	p->rows = &sc->merged;
	p->n_rows = sc->merged.n_rows;
}

struct busy_lane {
	const struct plot_lane *lane;
	uint64_t busy_ns;
};

static int busiest_first(const void *a, const void *b)
{
	const struct busy_lane *x = a, *y = b;

	if (x->busy_ns != y->busy_ns)
		return x->busy_ns > y->busy_ns ? -1 : 1;
	return x->lane->cpu < y->lane->cpu ? -1 : x->lane->cpu > y->lane->cpu;
}

static int by_cpu(const void *a, const void *b)
{
	const struct busy_lane *x = a, *y = b;

	return x->lane->cpu < y->lane->cpu ? -1 : x->lane->cpu > y->lane->cpu;
}

static void add_lanes(struct plot_scene *sc)
{
	const struct plot_rows *rows = &sc->per_cpu;
	struct busy_lane busy[256];
	/* In a window all of the recording can be reached; a picture stays where it is. */
	uint64_t from = sc->window ? 0 : sc->from_ns, to = sc->window ? UINT64_MAX : sc->to_ns;
	size_t n = 0;

	for (size_t l = 0; l < rows->n_lanes && n < 256; l++) {
		const struct plot_lane *lane = &rows->lanes[l];

		if (plot_rows_any(rows, sc->spans, lane->first_row, lane->n_rows, from, to))
			busy[n++] = (struct busy_lane){
				lane, plot_rows_busy(rows, sc->spans, lane->first_row, from, to)};
	}
	if (n > PLOT_LANES_MAX) {
		qsort(busy, n, sizeof(busy[0]), busiest_first);
		snprintf(sc->remark, sizeof(sc->remark),
			"%zu less busy CPUs are not shown; --ignored-cpus makes room for them. ",
			n - PLOT_LANES_MAX);
		n = PLOT_LANES_MAX;
		qsort(busy, n, sizeof(busy[0]), by_cpu);
	}
	for (size_t i = 0; i < n; i++) {
		struct plot_panel *p = add_panel(sc, PLOT_STACK, true);

		p->cpu = (int)busy[i].lane->cpu;
		snprintf(p->title, sizeof(p->title), "CPU %d", p->cpu);
		p->rows = rows;
		p->first_row = busy[i].lane->first_row;
		p->n_rows = busy[i].lane->n_rows;
	}
	if (!n)
		explain_elsewhere(sc, add_panel(sc, PLOT_STACK, false));
}

static void make_titles(struct plot_scene *sc)
{
	const struct model *m = sc->m;
	const struct model_session *s = m->n_sessions ? &m->sessions[0] : NULL;
	uint64_t hidden =
		sc->per_cpu.hidden > sc->merged.hidden ? sc->per_cpu.hidden : sc->merged.hidden;
	char host[66] = "unknown board", kernel[66] = "", arch[18] = "", duration[TEXT_NUMBER];
	const char *file = strrchr(sc->opt.input, '/');
	size_t used = strlen(sc->remark);

	if (s && s->has_hello) {
		text_clean(host, sizeof(host), s->hello.hostname);
		text_clean(kernel, sizeof(kernel), s->hello.kernel);
		text_clean(arch, sizeof(arch), s->hello.arch);
	}
	snprintf(sc->title, sizeof(sc->title), "%.64s: %s %s %s, %s, %zu events, %zu calls%s",
		file ? file + 1 : sc->opt.input, host, kernel, arch,
		text_duration(duration, m->duration_ns), m->n_events, m->n_calls,
		m->complete ? "" : " (recording cut off)");
	if (hidden)
		snprintf(sc->remark + used, sizeof(sc->remark) - used,
			"%" PRIu64 " calls too deep to draw are left out.", hidden);
}

void plot_scene_lay_out(struct plot_scene *sc)
{
	const struct plot_options *o = &sc->opt;
	bool stack = o->stack_merged || o->stack_per_cpu;

	if (o->stack_merged)
		add_merged(sc);
	if (o->stack_per_cpu)
		add_lanes(sc);
	if (o->memory)
		remark_memory(sc->m, add_panel(sc, PLOT_MEMORY, sc->memory.n > 0));
	if (o->throughput)
		add_panel(sc, PLOT_THROUGHPUT, sc->traffic.n_ifaces > 0);
	/* Packets are lines across the stack panels; without those, or to say why there are none, a
	 * panel. */
	if (o->xdp && (!stack || !sc->packets.n))
		add_panel(sc, PLOT_XDP, sc->packets.n > 0);
	make_titles(sc);
}
