/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/model/memory_books.h"

static const char *const line_names[PLOT_MEMORY_LINES] = {"kmalloc", "kmem_cache", "total"};

void plot_memory_free(struct plot_memory *mem)
{
	free(mem->t_ns);
	for (size_t l = 0; l < PLOT_MEMORY_LINES; l++)
		free(mem->bytes[l]);
	memset(mem, 0, sizeof(*mem));
}

static void add_point(struct plot_memory *mem, uint64_t t, double kmalloc_bytes, double cache_bytes)
{
	mem->t_ns[mem->n] = (double)t;
	mem->bytes[PLOT_KMALLOC][mem->n] = kmalloc_bytes;
	mem->bytes[PLOT_KMEM_CACHE][mem->n] = cache_bytes;
	mem->bytes[PLOT_MEMORY_TOTAL][mem->n] = kmalloc_bytes + cache_bytes;
	mem->n++;
}

int plot_memory_build(struct plot_memory *mem, const struct model *m)
{
	double now[2] = {0, 0};
	int session = -1;
	size_t n = 0;

	memset(mem, 0, sizeof(*mem));
	for (size_t i = 0; i < m->n_samples; i++)
		n += m->samples[i].memory_count > 0;
	if (!n)
		return 0;
	n += m->n_sessions; /* a break before each */
	mem->t_ns = malloc(n * sizeof(double));
	for (size_t l = 0; l < PLOT_MEMORY_LINES; l++)
		mem->bytes[l] = malloc(n * sizeof(double));
	if (!mem->t_ns || !mem->bytes[0] || !mem->bytes[1] || !mem->bytes[2])
		return -ENOMEM;
	for (size_t i = 0; i < m->n_samples; i++) {
		const ayaprof_Sample *s = &m->samples[i];
		uint64_t t = model_since_origin(m, m->sample_session[i], s->t_ns);

		if (!s->memory_count)
			continue;
		if (session != m->sample_session[i]) {
			if (session >= 0)
				add_point(mem, t, NAN, NAN);
			session = m->sample_session[i];
			now[0] = now[1] = 0;
		}
		for (pb_size_t k = 0; k < s->memory_count; k++) {
			struct memory_book book;

			memory_book_of(&book, &s->memory[k]);
			if (s->memory[k].type < 2)
				now[s->memory[k].type] = (double)book.outstanding_bytes;
		}
		add_point(mem, t, now[0], now[1]);
	}
	return 0;
}

/* First index whose time is >= t. */
static size_t lower(const double *t_ns, size_t n, double t)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t_ns[mid] < t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Of the points a..b (inclusive) of one pixel column keep those that shape it. */
static size_t keep_shape(const double *t, const double *y, size_t a, size_t b, double *out)
{
	size_t pick[4] = {a, a, a, b}, n = 0;

	for (size_t i = a; i <= b; i++) {
		if (isnan(y[i]) || y[i] < y[pick[1]])
			pick[1] = i;
		if (y[i] > y[pick[2]])
			pick[2] = i;
	}
	if (pick[1] > pick[2]) {
		size_t swap = pick[1];

		pick[1] = pick[2];
		pick[2] = swap;
	}
	for (size_t k = 0; k < 4; k++)
		if (k == 0 || pick[k] != pick[k - 1]) {
			out[2 * n] = t[pick[k]];
			out[2 * n + 1] = y[pick[k]];
			n++;
		}
	return n;
}

void plot_memory_reply(const struct plot_memory *mem, const struct plot_view *view,
	struct plot_reply *reply, const char *prefix)
{
	double from = (double)view->from_ns, px = ((double)view->to_ns - from) / view->width_px;
	size_t a = lower(mem->t_ns, mem->n, from),
	       b = lower(mem->t_ns, mem->n, (double)view->to_ns);
	double *pairs;

	if (a > 0)
		a--; /* its value reaches into the view */
	if (b < mem->n)
		b++;
	pairs = malloc((b - a + 1) * 2 * sizeof(*pairs));
	if (!pairs) {
		reply->failed = true;
		return;
	}
	for (size_t l = 0; l < PLOT_MEMORY_LINES; l++) {
		size_t n = 0;
		char name[PLOT_KEY];
		void *at;

		for (size_t i = a, next; i < b; i = next) {
			double column = floor((mem->t_ns[i] - from) / px);

			for (next = i + 1;
				next < b && floor((mem->t_ns[next] - from) / px) == column; next++)
				;
			n += keep_shape(mem->t_ns, mem->bytes[l], i, next - 1, pairs + 2 * n);
		}
		at = plot_reply_array(reply, plot_key(name, prefix, line_names[l], -1),
			PLOT_ORDER "f8", 2 * n, sizeof(double));
		if (at && n)
			memcpy(at, pairs, 2 * n * sizeof(double));
	}
	free(pairs);
}
