/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which panels a scene has, and the words on them. */
#include "host/plot/scene.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"
#include "host/trace/ledger.h"
#include "host/views/filter.h"

static bool has_module(const struct trace *t, const char *name)
{
	for (uint16_t i = 0; i < trace_session_count(t); i++) {
		const struct trace_session *s = trace_session(t, i);

		for (pb_size_t k = 0; s->has_hello && k < s->hello.modules_count; k++)
			if (!strcmp(s->hello.modules[k].name, name))
				return true;
	}
	return false;
}

static bool is_replay(const struct trace *t)
{
	bool replay = trace_session_count(t) > 0;

	for (uint16_t i = 0; i < trace_session_count(t); i++)
		replay = replay && trace_session(t, i)->has_hello &&
			 trace_session(t, i)->hello.replay;
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
static void explain(const struct trace *t, struct plot_panel *p)
{
	const char *things = kinds[p->kind].things, *module = kinds[p->kind].module;

	if (module && is_replay(t))
		snprintf(p->note, sizeof(p->note),
			"no %s: the recording is a replay of events only", things);
	else if (module && !has_module(t, module))
		snprintf(p->note, sizeof(p->note),
			"no %s: the recording was made without module \"%s\" (ayaprof-uart -M "
			"...,%s)",
			things, module, module);
	else if (module)
		snprintf(p->note, sizeof(p->note), "no %s came while module \"%s\" was on%s",
			things, module,
			trace_totals(t)->lost_total ? " (but events were lost)" : "");
	else
		snprintf(p->note, sizeof(p->note), "no %s in the recording", things);
}

/* A sentence more of what is not in the picture. */
static void __attribute__((format(printf, 2, 3)))
remark(struct plot_scene *sc, const char *fmt, ...)
{
	size_t used = strlen(sc->remark);
	va_list args;

	if (used && used + 1 < sizeof(sc->remark)) {
		sc->remark[used++] = ' ';
		sc->remark[used] = '\0';
	}
	va_start(args, fmt);
	vsnprintf(sc->remark + used, sizeof(sc->remark) - used, fmt, args);
	va_end(args);
}

static struct plot_panel *add_panel(struct plot_scene *sc, enum plot_panel_kind kind, bool has_data)
{
	struct plot_panel *p = &sc->panels[sc->n_panels++];

	p->kind = (uint8_t)kind;
	p->cpu = -1;
	snprintf(p->title, sizeof(p->title), "%s", kinds[kind].title);
	if (!has_data)
		explain(sc->rec->trace, p);
	return p;
}

/* What the curve is an estimate of, and what it leaves out. */
static void remark_memory(const struct plot_scene *sc, struct plot_panel *p)
{
	char text[TEXT_NUMBER], doubts[160], *to = p->remark;
	size_t cap = sizeof(p->remark), n;
	struct memory_account b;

	memory_account(&b, &sc->last_samples);
	n = (size_t)snprintf(
		to, cap, "%s", memory_account_doubts(doubts, sizeof(doubts), b.one_in, b.unseen));
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
	if (trace_totals(sc->rec->trace)->calls)
		snprintf(p->note, sizeof(p->note), "%s",
			sc->opt.filter->any ? "no such calls here"
					    : "no calls in this part of the recording");
}

static void add_merged(struct plot_scene *sc)
{
	struct plot_panel *p = add_panel(sc, PLOT_STACK, sc->spans.n > 0);

	if (!sc->spans.n) {
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

		if (plot_rows_any(rows, &sc->spans, lane->first_row, lane->n_rows, from, to))
			busy[n++] = (struct busy_lane){
				lane, plot_rows_busy(rows, &sc->spans, lane->first_row, from, to)};
	}
	if (n > PLOT_LANES_MAX) {
		qsort(busy, n, sizeof(busy[0]), busiest_first);
		remark(sc, "%zu less busy CPUs are not shown; --ignored-cpus makes room for them.",
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

static void remark_left_out(struct plot_scene *sc)
{
	const struct trace_totals *of = trace_totals(sc->rec->trace);
	uint64_t hidden =
		sc->per_cpu.hidden > sc->merged.hidden ? sc->per_cpu.hidden : sc->merged.hidden;
	uint64_t grain = plot_spans_grain_ns(&sc->spans);
	char text[TEXT_NUMBER];

	hidden = ledger_add(hidden, sc->spans.unplaced);
	if (grain && grain <= sc->to_ns)
		remark(sc,
			"Calls within %s of one another are drawn as one; -f shows them one by "
			"one.",
			text_duration(text, grain));
	else if (grain)
		remark(sc, "Too many calls at once: all of a depth are drawn as one.");
	if (sc->packets.merged)
		remark(sc, "Packets likewise.");
	if (hidden)
		remark(sc, "%" PRIu64 " calls too deep to draw are left out.", hidden);
	if (of->threads_forgotten)
		remark(sc,
			"%" PRIu64 " times there were too many threads: their calls are cut off.",
			of->threads_forgotten);
	if (of->sessions_left_out)
		remark(sc, "%" PRIu64 " sessions are left out.", of->sessions_left_out);
	if (of->names_left_out)
		remark(sc, "%" PRIu64 " names are left out.", of->names_left_out);
}

static void make_title(struct plot_scene *sc)
{
	const struct trace *t = sc->rec->trace;
	const struct trace_totals *of = trace_totals(t);
	const struct trace_session *s = trace_session_count(t) ? trace_session(t, 0) : NULL;
	char host[66] = "unknown board", kernel[66] = "", arch[18] = "", duration[TEXT_NUMBER];
	const char *file = strrchr(sc->opt.input, '/');
	size_t n;

	if (s && s->has_hello) {
		text_clean(host, sizeof(host), s->hello.hostname);
		text_clean(kernel, sizeof(kernel), s->hello.kernel);
		text_clean(arch, sizeof(arch), s->hello.arch);
	}
	n = (size_t)snprintf(sc->title, sizeof(sc->title), "%.64s: %s %s %s, ",
		file ? file + 1 : sc->opt.input, host, kernel, arch);
	/* What there is beside the part may not even have been read. */
	if (sc->opt.has_filter)
		snprintf(sc->title + n, sizeof(sc->title) - n, "from %.12g s to %.12g s",
			(double)sc->from_ns / 1e9, (double)sc->to_ns / 1e9);
	else
		snprintf(sc->title + n, sizeof(sc->title) - n,
			"%s, %" PRIu64 " events, %" PRIu64 " calls%s",
			text_duration(duration, of->duration_ns), of->events, of->calls,
			sc->rec->being_written ? " (still recording)"
			: sc->rec->complete    ? ""
					       : " (recording cut off)");
}

void plot_scene_lay_out(struct plot_scene *sc, bool window)
{
	const struct plot_options *o = &sc->opt;
	bool stack = o->stack_merged || o->stack_per_cpu;

	sc->window = window;
	sc->remark[0] = '\0';
	sc->n_panels = 0;
	memset(sc->panels, 0, sizeof(sc->panels));
	if (o->stack_merged)
		add_merged(sc);
	if (o->stack_per_cpu)
		add_lanes(sc);
	if (o->memory)
		remark_memory(sc, add_panel(sc, PLOT_MEMORY, sc->memory.n > 0));
	if (o->throughput)
		add_panel(sc, PLOT_THROUGHPUT, sc->traffic.n_ifaces > 0);
	/* Packets are lines across the stack panels; without those, or to say why there are none, a
	 * panel. */
	if (o->xdp && (!stack || !sc->packets.total))
		add_panel(sc, PLOT_XDP, sc->packets.total > 0);
	remark_left_out(sc);
	make_title(sc);
}
