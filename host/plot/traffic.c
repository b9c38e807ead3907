/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMOOTH_POINTS 400u

void plot_traffic_free(struct plot_traffic *tr)
{
	free(tr->t_ns);
	free(tr->session);
	free(tr->total);
	for (size_t i = 0; i < tr->n_known; i++) {
		free(tr->iface[i].rx);
		free(tr->iface[i].tx);
	}
	free(tr->iface);
	free(tr->seen);
	memset(tr, 0, sizeof(*tr));
}

/* Rates follow from sums, so nothing is lost but moments. Sessions keep their first and last one, unless
 * all moments are such. */
static void thin_out(struct plot_traffic *tr, bool edges)
{
	size_t kept = 0;

	for (size_t i = 0; i < tr->n; i++) {
		bool edge = i + 1 == tr->n || tr->session[i + 1] != tr->session[i] || i == 0 ||
			    tr->session[i - 1] != tr->session[i];

		if (i % 2 && (edges || !edge))
			continue;
		tr->t_ns[kept] = tr->t_ns[i];
		tr->session[kept] = tr->session[i];
		tr->total[kept] = tr->total[i];
		for (size_t k = 0; k < tr->n_known; k++) {
			tr->iface[k].rx[kept] = tr->iface[k].rx[i];
			tr->iface[k].tx[kept] = tr->iface[k].tx[i];
		}
		kept++;
	}
	tr->n = kept;
}

static bool resize(double **array, size_t cap)
{
	double *more = realloc(*array, cap * sizeof(*more));

	if (more)
		*array = more;
	return more != NULL;
}

static int set_cap(struct plot_traffic *tr, size_t cap)
{
	uint16_t *session = realloc(tr->session, cap * sizeof(*session));

	if (!session)
		return -ENOMEM;
	tr->session = session;
	if (!resize(&tr->t_ns, cap) || !resize(&tr->total, cap))
		return -ENOMEM;
	for (size_t k = 0; k < tr->n_known; k++)
		if (!resize(&tr->iface[k].rx, cap) || !resize(&tr->iface[k].tx, cap))
			return -ENOMEM;
	tr->cap = cap;
	return 0;
}

/* For one more moment of n_known interfaces. */
static int make_room(struct plot_traffic *tr, size_t n_known)
{
	size_t max = PLOT_TRAFFIC_MAX / (n_known ? n_known : 1), before = tr->n, cap;

	if (tr->n >= max)
		thin_out(tr, false);
	while (tr->n > before / 4 * 3 && tr->n >= max)
		thin_out(tr, true);
	if (tr->n < tr->cap)
		return tr->cap > max ? set_cap(tr, max) : 0;
	cap = tr->cap ? tr->cap * 2 : 256;
	return set_cap(tr, cap < max ? cap : max);
}

/* NULL: out of memory, or too many (*err is 0). */
static struct plot_iface *iface_find(
	struct plot_traffic *tr, uint16_t session, uint32_t ifindex, int *err)
{
	struct plot_iface *f;

	*err = 0;
	for (size_t i = 0; i < tr->n_known; i++)
		if (tr->iface[i].ifindex == ifindex)
			return &tr->iface[i];
	if (tr->n_known == PLOT_IFACES_KNOWN_MAX)
		return NULL;
	*err = -ENOMEM;
	if (make_room(tr, tr->n_known + 1))
		return NULL;
	if (!tr->iface)
		tr->iface = calloc(PLOT_IFACES_KNOWN_MAX, sizeof(*tr->iface));
	if (!tr->iface)
		return NULL;
	f = &tr->iface[tr->n_known];
	f->ifindex = ifindex;
	f->session = session;
	/* Before it was known it had moved nothing. */
	f->rx = calloc(tr->cap, sizeof(double));
	f->tx = calloc(tr->cap, sizeof(double));
	tr->n_known++;
	if (!f->rx || !f->tx)
		return NULL;
	*err = 0;
	return f;
}

static int add_moment(struct plot_traffic *tr, uint64_t t, uint16_t session)
{
	double t_ns = (double)t, total = 0;
	size_t at;

	if (make_room(tr, tr->n_known))
		return -ENOMEM;
	if (tr->n && t_ns < tr->t_ns[tr->n - 1])
		t_ns = tr->t_ns[tr->n - 1];
	/* Boards with many interfaces split one moment into several samples. */
	at = tr->n;
	if (at > 0 && tr->session[at - 1] == session && tr->t_ns[at - 1] >= t_ns)
		at--;
	else
		tr->n++;
	tr->t_ns[at] = t_ns;
	tr->session[at] = session;
	for (size_t k = 0; k < tr->n_known; k++) {
		total += tr->iface[k].rx_now + tr->iface[k].tx_now;
		tr->iface[k].rx[at] = tr->iface[k].rx_now;
		tr->iface[k].tx[at] = tr->iface[k].tx_now;
	}
	tr->total[at] = total;
	return 0;
}

static int begin_session(
	struct plot_traffic *tr, uint16_t session, uint64_t start_ns, uint64_t t_ns, bool *again)
{
	if (!tr->seen)
		tr->seen = calloc(UINT16_MAX / 8 + 1, 1);
	if (!tr->seen)
		return -ENOMEM;
	*again = tr->seen[session / 8] >> session % 8 & 1;
	tr->seen[session / 8] |= (uint8_t)(1u << session % 8);
	for (size_t k = 0; k < tr->n_known; k++)
		tr->iface[k].rx_now = tr->iface[k].tx_now = 0;
	return !*again && start_ns < t_ns ? add_moment(tr, start_ns, session) : 0;
}

int plot_traffic_add(struct plot_traffic *tr, uint16_t session, uint64_t start_ns, uint64_t t_ns,
	const ayaprof_Sample *s)
{
	bool again = false;

	if (!s->interfaces_count)
		return 0;
	if ((!tr->n || tr->session[tr->n - 1] != session) &&
		begin_session(tr, session, start_ns, t_ns, &again))
		return -ENOMEM;
	for (pb_size_t j = 0; j < s->interfaces_count; j++) {
		double rx = (double)s->interfaces[j].rx_bytes, more;
		double tx = (double)s->interfaces[j].tx_bytes;
		int err;
		struct plot_iface *f = iface_find(tr, session, s->interfaces[j].ifindex, &err);

		if (err)
			return err;
		if (!f)
			continue;
		/* Back in a session that another one has interrupted: what it moved is known. */
		more = again ? 0 : rx + tx - f->rx_now - f->tx_now;
		f->sum += more > 0 ? more : 0;
		f->rx_now = rx;
		f->tx_now = tx;
	}
	return add_moment(tr, t_ns, session);
}

static int by_sum(const void *a, const void *b)
{
	const struct plot_iface *x = a, *y = b;

	if (x->sum != y->sum)
		return x->sum > y->sum ? -1 : 1;
	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

void plot_traffic_finish(struct plot_traffic *tr, double interval_ns)
{
	size_t busy = 0;

	if (tr->n_known)
		qsort(tr->iface, tr->n_known, sizeof(*tr->iface), by_sum);
	while (busy < tr->n_known && tr->iface[busy].sum > 0)
		busy++;
	tr->n_ifaces = busy < PLOT_IFACES_MAX ? busy : PLOT_IFACES_MAX;
	tr->n_other = busy - tr->n_ifaces;
	tr->interval_ns = interval_ns;
	if (!(interval_ns > 0) && tr->n > 1)
		tr->interval_ns = (tr->t_ns[tr->n - 1] - tr->t_ns[0]) / (double)(tr->n - 1);
}

static double rate(const struct plot_traffic *tr, const double *bytes, size_t prev, size_t i)
{
	double dt = tr->t_ns[i] - tr->t_ns[prev], d = bytes[i] - bytes[prev];

	if (prev == i || tr->session[prev] != tr->session[i])
		return NAN;
	return dt > 0 && d > 0 ? d * 8e9 / dt : 0;
}

/* The last moment of every pixel column in view, and one more on either side. */
static size_t pick_moments(
	const struct plot_traffic *tr, const struct plot_view *view, size_t *pick)
{
	double from = (double)view->from_ns, to = (double)view->to_ns;
	double px = (to - from) / view->width_px;
	size_t n = 0;

	for (size_t i = 0; i < tr->n; i++) {
		bool edge = i + 1 == tr->n || tr->session[i + 1] != tr->session[i] || i == 0 ||
			    tr->session[i - 1] != tr->session[i];

		if (i + 1 < tr->n && tr->t_ns[i + 1] < from)
			continue;
		if (!edge &&
			floor((tr->t_ns[i + 1] - from) / px) == floor((tr->t_ns[i] - from) / px))
			continue;
		pick[n++] = i;
		if (tr->t_ns[i] >= to)
			break;
	}
	return n;
}

static void reply_rates(const struct plot_traffic *tr, const double *bytes, const size_t *pick,
	size_t n, struct plot_reply *reply, const char *name)
{
	double *y = plot_reply_array(reply, name, PLOT_ORDER "f8", n, sizeof(*y));

	for (size_t i = 0; y && i < n; i++)
		y[i] = rate(tr, bytes, pick[i ? i - 1 : 0], pick[i]);
}

/* Bytes up to t within moments a..b of one session, between samples as if evenly spread. */
static double total_at(const struct plot_traffic *tr, size_t a, size_t b, double t)
{
	if (t <= tr->t_ns[a])
		return tr->total[a];
	if (t >= tr->t_ns[b])
		return tr->total[b];
	while (b - a > 1) {
		size_t mid = a + (b - a) / 2;

		if (tr->t_ns[mid] <= t)
			a = mid;
		else
			b = mid;
	}
	return tr->total[a] +
	       (tr->total[b] - tr->total[a]) * (t - tr->t_ns[a]) / (tr->t_ns[b] - tr->t_ns[a]);
}

static size_t smooth_session(const struct plot_traffic *tr, size_t a, size_t b,
	const struct plot_view *view, double half, double *pairs)
{
	double from = (double)view->from_ns, step = ((double)view->to_ns - from) / SMOOTH_POINTS;
	double first = tr->t_ns[a], last = tr->t_ns[b];
	size_t n = 0;

	for (uint32_t k = 0; k <= SMOOTH_POINTS && a < b; k++) {
		double t = from + step * k, lo = t - half, hi = t + half;

		if (t < first || t > last)
			continue;
		lo = lo > first ? lo : first;
		hi = hi < last ? hi : last;
		pairs[2 * n] = t;
		pairs[2 * n + 1] =
			(total_at(tr, a, b, hi) - total_at(tr, a, b, lo)) * 8e9 / (hi - lo);
		n++;
	}
	if (n) { /* do not join it with the next session */
		pairs[2 * n] = pairs[2 * n - 2];
		pairs[2 * n + 1] = NAN;
		n++;
	}
	return n;
}

static void reply_smooth(const struct plot_traffic *tr, const struct plot_view *view,
	struct plot_reply *reply, const char *prefix)
{
	double span = (double)(view->to_ns - view->from_ns);
	double half = fmax(2.5 * tr->interval_ns, span / 80);
	double *pairs = malloc((2 * SMOOTH_POINTS + 256) * 4 * sizeof(*pairs)), *at;
	size_t n = 0;
	char name[PLOT_KEY];

	if (!pairs) {
		reply->failed = true;
		return;
	}
	for (size_t a = 0, b; a < tr->n; a = b + 1) {
		for (b = a; b + 1 < tr->n && tr->session[b + 1] == tr->session[a]; b++)
			;
		if (n <= 2 * SMOOTH_POINTS)
			n += smooth_session(tr, a, b, view, half, pairs + 2 * n);
	}
	at = plot_reply_array(
		reply, plot_key(name, prefix, "smooth", -1), PLOT_ORDER "f8", 2 * n, sizeof(*at));
	if (at && n)
		memcpy(at, pairs, 2 * n * sizeof(*pairs));
	free(pairs);
	json_uint(&reply->json, plot_key(name, prefix, "smooth_ns", -1), (uint64_t)(2 * half));
}

void plot_traffic_reply(const struct plot_traffic *tr, const struct plot_view *view,
	struct plot_reply *reply, const char *prefix)
{
	size_t *pick = malloc((tr->n + 1) * sizeof(*pick)), n;
	char name[PLOT_KEY];
	double *t;

	if (!pick) {
		reply->failed = true;
		return;
	}
	n = pick_moments(tr, view, pick);
	t = plot_reply_array(
		reply, plot_key(name, prefix, "t", -1), PLOT_ORDER "f8", n, sizeof(*t));
	for (size_t i = 0; t && i < n; i++)
		t[i] = tr->t_ns[pick[i]];
	reply_rates(tr, tr->total, pick, n, reply, plot_key(name, prefix, "total", -1));
	for (size_t f = 0; f < tr->n_ifaces; f++) {
		reply_rates(
			tr, tr->iface[f].rx, pick, n, reply, plot_key(name, prefix, "in", (int)f));
		reply_rates(
			tr, tr->iface[f].tx, pick, n, reply, plot_key(name, prefix, "out", (int)f));
	}
	reply_smooth(tr, view, reply, prefix);
	free(pick);
}
