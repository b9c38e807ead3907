/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_IFACES_MAX 256u
#define SMOOTH_POINTS    400u

/* All interfaces of the recording while it is read; counters are those of the current session. */
struct known {
	uint32_t ifindex;
	double rx, tx;
	double sum; /* over all sessions */
	int shown;  /* index into plot_traffic.iface, or -1 */
};

static struct known *known_find(struct known *k, size_t *n, uint32_t ifindex)
{
	for (size_t i = 0; i < *n; i++)
		if (k[i].ifindex == ifindex)
			return &k[i];
	if (*n == KNOWN_IFACES_MAX)
		return NULL;
	k[*n] = (struct known){.ifindex = ifindex, .shown = -1};
	return &k[(*n)++];
}

static int by_sum(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->sum != y->sum)
		return x->sum > y->sum ? -1 : 1;
	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

/* Find the interfaces and how much each moved. Returns the number of moments needed at most. */
static size_t survey(const struct model *m, struct known *k, size_t *n_known)
{
	size_t moments = 0;

	for (size_t i = 0; i < m->n_samples; i++) {
		const ayaprof_Sample *s = &m->samples[i];
		bool last =
			i + 1 == m->n_samples || m->sample_session[i + 1] != m->sample_session[i];

		moments += s->interfaces_count > 0;
		for (pb_size_t j = 0; j < s->interfaces_count; j++) {
			struct known *f = known_find(k, n_known, s->interfaces[j].ifindex);

			if (f) {
				f->rx = (double)s->interfaces[j].rx_bytes;
				f->tx = (double)s->interfaces[j].tx_bytes;
			}
		}
		for (size_t j = 0; last && j < *n_known; j++) {
			k[j].sum += k[j].rx + k[j].tx;
			k[j].rx = k[j].tx = 0;
		}
	}
	return moments ? moments + m->n_sessions : 0;
}

void plot_traffic_free(struct plot_traffic *tr)
{
	free(tr->t_ns);
	free(tr->session);
	free(tr->total);
	for (size_t i = 0; i < PLOT_IFACES_MAX; i++) {
		free(tr->iface[i].rx);
		free(tr->iface[i].tx);
	}
	memset(tr, 0, sizeof(*tr));
}

static void add_moment(
	struct plot_traffic *tr, const struct known *k, size_t n_known, uint64_t t, uint8_t session)
{
	size_t at = tr->n;
	double total = 0;

	/* Boards with many interfaces split one moment into several samples. */
	if (at > 0 && tr->session[at - 1] == session && tr->t_ns[at - 1] >= (double)t)
		at--;
	else
		tr->n++;
	tr->t_ns[at] = (double)t;
	tr->session[at] = session;
	for (size_t j = 0; j < n_known; j++) {
		total += k[j].rx + k[j].tx;
		if (k[j].shown >= 0) {
			tr->iface[k[j].shown].rx[at] = k[j].rx;
			tr->iface[k[j].shown].tx[at] = k[j].tx;
		}
	}
	tr->total[at] = total;
}

static void read_samples(
	struct plot_traffic *tr, const struct model *m, struct known *k, size_t n_known)
{
	int session = -1;

	for (size_t i = 0; i < m->n_samples; i++) {
		const ayaprof_Sample *s = &m->samples[i];
		uint8_t of = m->sample_session[i];

		if (!s->interfaces_count)
			continue;
		if (session != of) {
			const struct model_session *se = &m->sessions[of];

			session = of;
			for (size_t j = 0; j < n_known; j++)
				k[j].rx = k[j].tx = 0;
			if (se->has_hello && se->hello.start_ns < s->t_ns)
				add_moment(tr, k, n_known,
					model_since_origin(m, of, se->hello.start_ns), of);
		}
		for (pb_size_t j = 0; j < s->interfaces_count; j++) {
			struct known *f = known_find(k, &n_known, s->interfaces[j].ifindex);

			if (f) {
				f->rx = (double)s->interfaces[j].rx_bytes;
				f->tx = (double)s->interfaces[j].tx_bytes;
			}
		}
		add_moment(tr, k, n_known, model_since_origin(m, of, s->t_ns), of);
	}
}

int plot_traffic_build(struct plot_traffic *tr, const struct model *m)
{
	struct known *k = calloc(KNOWN_IFACES_MAX, sizeof(*k));
	size_t n_known = 0, n;
	int err = -ENOMEM;

	memset(tr, 0, sizeof(*tr));
	if (!k)
		return -ENOMEM;
	n = survey(m, k, &n_known);
	qsort(k, n_known, sizeof(*k), by_sum);
	tr->t_ns = malloc((n + 1) * sizeof(double));
	tr->total = malloc((n + 1) * sizeof(double));
	tr->session = malloc(n + 1);
	if (!tr->t_ns || !tr->total || !tr->session)
		goto out;
	for (size_t j = 0; j < n_known && k[j].sum > 0; j++) {
		struct plot_iface *f;

		if (tr->n_ifaces == PLOT_IFACES_MAX) {
			tr->n_other++;
			continue;
		}
		k[j].shown = (int)tr->n_ifaces;
		f = &tr->iface[tr->n_ifaces++];
		f->ifindex = k[j].ifindex;
		f->rx = malloc((n + 1) * sizeof(double));
		f->tx = malloc((n + 1) * sizeof(double));
		if (!f->rx || !f->tx)
			goto out;
	}
	read_samples(tr, m, k, n_known);
	tr->interval_ns = tr->n > 1 ? (tr->t_ns[tr->n - 1] - tr->t_ns[0]) / (double)(tr->n - 1) : 0;
	for (size_t i = 0; i < m->n_sessions; i++)
		if (m->sessions[i].has_hello && m->sessions[i].hello.interval_ms)
			tr->interval_ns = m->sessions[i].hello.interval_ms * 1e6;
	err = 0;
out:
	free(k);
	return err;
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
