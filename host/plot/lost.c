/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"
#include "host/trace/ledger.h"

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

int plot_losses_reply(
	const struct plot_losses *lo, const struct plot_view *view, struct plot_reply *reply)
{
	double from = (double)view->from_ns, to = (double)view->to_ns;
	double px = (to - from) / view->width_px, half = RANGE_MIN_PX / 2 * px;
	struct range *r = malloc((lo->n + 1) * sizeof(*r));
	uint64_t events = lo->undated;
	size_t n = 0;

	if (!r)
		return -ENOMEM;
	for (size_t i = 0; i < lo->n; i++) {
		const struct plot_loss *l = &lo->loss[i];
		double x0 = (double)l->first_ns, x1 = (double)l->last_ns;

		if (x0 > to || x1 < from)
			continue;
		events = ledger_add(events, l->count);
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
	json_uint(&reply->json, "lost.undated", lo->undated);
	return 0;
}

/* ---- taking them in ------------------------------------------------------------------------- */

void plot_losses_free(struct plot_losses *lo)
{
	free(lo->loss);
	memset(lo, 0, sizeof(*lo));
}

static int in_order(const void *a, const void *b)
{
	const struct plot_loss *x = a, *y = b;

	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return x->last_ns < y->last_ns ? -1 : x->last_ns > y->last_ns;
}

/* Those of one CPU with no more than `gap_ns` between them become one. */
static size_t join(struct plot_loss *l, size_t n, uint64_t gap_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct plot_loss *last = kept ? &l[kept - 1] : NULL;

		if (!last || last->cpu != l[i].cpu ||
			(l[i].first_ns > last->last_ns && l[i].first_ns - last->last_ns > gap_ns)) {
			l[kept++] = l[i];
			continue;
		}
		if (l[i].last_ns > last->last_ns)
			last->last_ns = l[i].last_ns;
		last->count = ledger_add(last->count, l[i].count);
	}
	return kept;
}

static void thin_out(struct plot_losses *lo)
{
	size_t goal = lo->n / 2;

	qsort(lo->loss, lo->n, sizeof(*lo->loss), in_order);
	for (unsigned int bits = 0; bits < 64 && lo->n > goal; bits++)
		lo->n = join(lo->loss, lo->n, (UINT64_C(1) << bits) - 1);
}

int plot_losses_add(
	struct plot_losses *lo, uint64_t first_ns, uint64_t last_ns, int cpu, uint64_t count)
{
	struct plot_loss *more;

	if (lo->n == PLOT_LOSSES_MAX)
		thin_out(lo);
	more = grow_array(lo->loss, &lo->cap, lo->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	lo->loss = more;
	more[lo->n++] = (struct plot_loss){first_ns, last_ns, count, cpu};
	return 0;
}
