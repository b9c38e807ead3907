/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A range narrower than this is widened: a loss must be seen however short. */
#define RANGE_MIN_PX 2.0

struct range {
	int32_t cpu;
	double x0, x1;
};

static int by_cpu_and_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->x0 < y->x0 ? -1 : x->x0 > y->x0;
}

/* Ranges that touch on the screen become one. */
static size_t merge(struct range *r, size_t n, double px)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct range *last = kept ? &r[kept - 1] : NULL;

		if (last && last->cpu == r[i].cpu && r[i].x0 <= last->x1 + px)
			last->x1 = r[i].x1 > last->x1 ? r[i].x1 : last->x1;
		else
			r[kept++] = r[i];
	}
	return kept;
}

static void reply_ranges(const struct range *r, size_t n, struct plot_reply *reply)
{
	int32_t *cpu;
	double *x;

	x = plot_reply_array(reply, "lost.x0", PLOT_ORDER "f8", n, sizeof(*x));
	for (size_t i = 0; x && i < n; i++)
		x[i] = r[i].x0;
	x = plot_reply_array(reply, "lost.x1", PLOT_ORDER "f8", n, sizeof(*x));
	for (size_t i = 0; x && i < n; i++)
		x[i] = r[i].x1;
	cpu = plot_reply_array(reply, "lost.cpu", PLOT_ORDER "i4", n, sizeof(*cpu));
	for (size_t i = 0; cpu && i < n; i++)
		cpu[i] = r[i].cpu;
}

int plot_lost_reply(const struct model *m, const struct plot_view *view, struct plot_reply *reply)
{
	double from = (double)view->from_ns, to = (double)view->to_ns;
	double px = (to - from) / view->width_px, half = RANGE_MIN_PX / 2 * px;
	struct range *r = malloc((m->n_losses + 1) * sizeof(*r));
	uint64_t events = 0, undated = 0;
	size_t n = 0;

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_losses; i++) {
		const struct model_loss *l = &m->losses[i];
		double x0, x1;

		if (!l->first_ns && !l->last_ns) {
			events += l->count;
			undated += l->count;
			continue;
		}
		x0 = (double)model_since_origin(m, l->session, l->first_ns);
		x1 = (double)model_since_origin(m, l->session, l->last_ns);
		if (x0 > to || x1 < from)
			continue;
		events += l->count;
		if (x1 - x0 < 2 * half) {
			double mid = (x0 + x1) / 2;

			x0 = mid - half;
			x1 = mid + half;
		}
		r[n++] = (struct range){l->cpu, x0 > from ? x0 : from, x1 < to ? x1 : to};
	}
	qsort(r, n, sizeof(*r), by_cpu_and_start);
	n = merge(r, n, px);
	reply_ranges(r, n, reply);
	free(r);
	json_uint(&reply->json, "lost.events", events);
	json_uint(&reply->json, "lost.undated", undated);
	return 0;
}
