/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"
#include "host/views/memory_account.h"

static const char *const line_names[PLOT_MEMORY_LINES] = {"kmalloc", "kmem_cache", "total"};

void plot_memory_free(struct plot_memory *mem)
{
	free(mem->t_ns);
	for (size_t l = 0; l < PLOT_MEMORY_LINES; l++)
		free(mem->bytes[l]);
	free(mem->state);
	memset(mem, 0, sizeof(*mem));
}

static void keep(struct plot_memory *mem, size_t to, size_t from)
{
	mem->t_ns[to] = mem->t_ns[from];
	for (size_t l = 0; l < PLOT_MEMORY_LINES; l++)
		mem->bytes[l][to] = mem->bytes[l][from];
}

/* Of every four moments that follow one another keep the highest and the lowest. */
static void thin_out(struct plot_memory *mem)
{
	const double *y = mem->bytes[PLOT_MEMORY_TOTAL];
	size_t kept = 0;

	for (size_t i = 0, n; i < mem->n; i += n) {
		size_t low = i, high = i;

		for (n = 1; n < 4 && i + n < mem->n && !isnan(y[i]) && !isnan(y[i + n]); n++) {
			if (y[i + n] < y[low])
				low = i + n;
			if (y[i + n] >= y[high])
				high = i + n;
		}
		keep(mem, kept++, low < high ? low : high);
		if (low != high)
			keep(mem, kept++, low < high ? high : low);
	}
	mem->n = kept;
}

static int make_room(struct plot_memory *mem)
{
	size_t cap = mem->cap ? mem->cap * 2 : 256;
	double **array[] = {&mem->t_ns, &mem->bytes[0], &mem->bytes[1], &mem->bytes[2]};

	if (mem->n == PLOT_MEMORY_MAX)
		thin_out(mem);
	/* Nothing but breaks between sessions: the oldest go. */
	if (mem->n == PLOT_MEMORY_MAX) {
		for (size_t i = 0; i < PLOT_MEMORY_MAX / 2; i++)
			keep(mem, i, i + PLOT_MEMORY_MAX / 2);
		mem->n = PLOT_MEMORY_MAX / 2;
	}
	if (mem->n < mem->cap)
		return 0;
	for (size_t i = 0; i < sizeof(array) / sizeof(array[0]); i++) {
		double *more = realloc(*array[i], cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		*array[i] = more;
	}
	mem->cap = cap;
	return 0;
}

static int add_point(struct plot_memory *mem, uint64_t t, double kmalloc_bytes, double cache_bytes)
{
	double t_ns = (double)t;

	if (make_room(mem))
		return -ENOMEM;
	if (mem->n && t_ns < mem->t_ns[mem->n - 1])
		t_ns = mem->t_ns[mem->n - 1];
	mem->t_ns[mem->n] = t_ns;
	mem->bytes[PLOT_KMALLOC][mem->n] = kmalloc_bytes;
	mem->bytes[PLOT_KMEM_CACHE][mem->n] = cache_bytes;
	mem->bytes[PLOT_MEMORY_TOTAL][mem->n] = kmalloc_bytes + cache_bytes;
	mem->n++;
	return 0;
}

static struct plot_memory_state *state_of(struct plot_memory *mem, uint16_t session)
{
	struct plot_memory_state *more =
		grow_array(mem->state, &mem->cap_states, session + (size_t)1, sizeof(*more));

	if (!more)
		return NULL;
	mem->state = more;
	while (mem->n_states <= session)
		more[mem->n_states++] = (struct plot_memory_state){{0, 0}};
	return &more[session];
}

int plot_memory_add(
	struct plot_memory *mem, uint16_t session, uint64_t t_ns, const ayaprof_Sample *s)
{
	struct plot_memory_state *st;

	if (!s->memory_count)
		return 0;
	st = state_of(mem, session);
	if (!st)
		return -ENOMEM;
	if (mem->n && session != mem->session && add_point(mem, t_ns, NAN, NAN))
		return -ENOMEM;
	mem->session = session;
	for (pb_size_t k = 0; k < s->memory_count; k++) {
		struct memory_balance balance;

		memory_balance_of(&balance, &s->memory[k]);
		if (s->memory[k].type < 2)
			st->now[s->memory[k].type] = (double)balance.outstanding_bytes;
	}
	return add_point(mem, t_ns, st->now[0], st->now[1]);
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
