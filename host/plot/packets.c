/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"

/* Up to so many packets are drawn one by one. */
#define SINGLE_MAX 2000u
#define BINS_MAX   400.0

/* Arguments of an event of class packet, see proto/event.h. */
enum { ARG_IFINDEX, ARG_BYTES, ARG_DST_TYPE, ARG_SRC };

#define ALL_BITS 64u

static uint16_t source_of(struct plot_packets *p, uint16_t session, uint32_t ifindex)
{
	for (size_t i = 0; i < p->n_sources; i++)
		if (p->ifindex[i] == ifindex)
			return (uint16_t)i;
	if (p->n_sources < PLOT_IFACES_MAX) {
		p->session[p->n_sources] = session;
		p->ifindex[p->n_sources++] = ifindex;
	}
	return (uint16_t)(p->n_sources - 1);
}

void plot_packets_free(struct plot_packets *p)
{
	free(p->packet);
	memset(p, 0, sizeof(*p));
}

static unsigned int common_bits(uint64_t a, uint64_t b)
{
	return a == b ? 0 : ALL_BITS - (unsigned int)__builtin_clzll(a ^ b);
}

/* The smallest grain in which half of them find together. */
static unsigned int choose_grain(const struct plot_packets *p)
{
	size_t pairs[ALL_BITS + 1] = {0}, last[PLOT_IFACES_MAX] = {0}, gone = 0;
	unsigned int bits = 0;

	for (size_t i = 0; i < p->n; i++) {
		size_t *l = &last[p->packet[i].source];

		if (*l)
			pairs[common_bits(p->packet[*l - 1].t_ns, p->packet[i].t_ns)]++;
		*l = i + 1;
	}
	for (; bits < ALL_BITS; bits++) {
		gone += pairs[bits];
		if (gone >= p->n / 2)
			break;
	}
	return p->merged && bits < p->grain_bits ? p->grain_bits : bits;
}

/* Does it stand for this one from now on? */
static bool absorbed(struct plot_packets *p, uint64_t t_ns, uint16_t source, uint32_t count)
{
	struct plot_packet *newest = p->newest[source] ? &p->packet[p->newest[source] - 1] : NULL;

	if (!newest || !p->merged || common_bits(newest->t_ns, t_ns) > p->grain_bits)
		return false;
	if (__builtin_add_overflow(newest->count, count, &newest->count))
		newest->count = UINT32_MAX;
	newest->has_header = false;
	return true;
}

static void merge(struct plot_packets *p)
{
	size_t n = p->n;

	p->grain_bits = choose_grain(p);
	p->merged = true;
	p->n = 0;
	memset(p->newest, 0, sizeof(p->newest));
	for (size_t i = 0; i < n; i++) {
		struct plot_packet one = p->packet[i];

		if (absorbed(p, one.t_ns, one.source, one.count))
			continue;
		p->packet[p->n++] = one;
		p->newest[one.source] = p->n;
	}
}

int plot_packets_add(struct plot_packets *p, uint16_t session, uint64_t t_ns, const uint64_t *arg,
	unsigned int n, bool keep)
{
	uint16_t source = source_of(p, session, n > ARG_IFINDEX ? (uint32_t)arg[ARG_IFINDEX] : 0);
	struct plot_packet *more;

	p->total++;
	if (!keep || absorbed(p, t_ns, source, 1))
		return 0;
	if (p->n == PLOT_PACKETS_MAX)
		merge(p);
	if (absorbed(p, t_ns, source, 1))
		return 0;
	more = grow_array(p->packet, &p->cap, p->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	p->packet = more;
	more[p->n] = (struct plot_packet){.t_ns = t_ns, .count = 1, .source = source};
	if (n > ARG_SRC) {
		more[p->n].dst_type = arg[ARG_DST_TYPE];
		more[p->n].src = arg[ARG_SRC];
		more[p->n].has_header = true;
	}
	p->newest[source] = ++p->n;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct plot_packet *x = a, *y = b;

	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return x->source < y->source ? -1 : x->source > y->source;
}

void plot_packets_finish(struct plot_packets *p)
{
	bool sorted = true;

	for (size_t i = 1; i < p->n && sorted; i++)
		sorted = p->packet[i - 1].t_ns <= p->packet[i].t_ns;
	if (!sorted)
		qsort(p->packet, p->n, sizeof(*p->packet), by_time);
}

static size_t lower(const struct plot_packets *p, uint64_t t)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->packet[mid].t_ns < t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint64_t count(const struct plot_packets *p, size_t a, size_t b)
{
	uint64_t n = 0;

	for (size_t i = a; i < b; i++)
		n += p->packet[i].count;
	return n;
}

uint64_t plot_packets_count(const struct plot_packets *p, const struct plot_view *view)
{
	return count(p, lower(p, view->from_ns), lower(p, view->to_ns));
}

static void mac_text(char out[18], uint64_t mac)
{
	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac >> 40) & 0xff,
		(unsigned)(mac >> 32) & 0xff, (unsigned)(mac >> 24) & 0xff,
		(unsigned)(mac >> 16) & 0xff, (unsigned)(mac >> 8) & 0xff, (unsigned)mac & 0xff);
}

/* EtherTypes people meet (IEEE 802 numbers); others are told as a number. */
static const struct {
	uint16_t type;
	const char *name;
} ether_types[] = {
	{0x0800, "IPv4"},
	{0x0806, "ARP"},
	{0x86dd, "IPv6"},
	{0x8100, "VLAN"},
	{0x88cc, "LLDP"},
	{0x88f7, "PTP"},
};

static void label_text(char *out, size_t cap, const struct plot_packet *p)
{
	const char *type = NULL;
	char number[16], src[18], dst[18];
	uint16_t ether;

	if (p->count > 1) {
		snprintf(out, cap, "%u packets", p->count);
		return;
	}
	if (!p->has_header) {
		snprintf(out, cap, "header unknown");
		return;
	}
	ether = (uint16_t)p->dst_type;
	for (size_t i = 0; i < sizeof(ether_types) / sizeof(ether_types[0]); i++)
		if (ether_types[i].type == ether)
			type = ether_types[i].name;
	if (!type) {
		snprintf(number, sizeof(number), "0x%04x", ether);
		type = number;
	}
	mac_text(src, p->src);
	mac_text(dst, p->dst_type >> 16);
	snprintf(out, cap, "%s, SRC %s, DST %s", type, src, dst);
}

/* 1, 2 or 5 times a power of ten, so that a bin can be named to people. */
static double nice_bin(double at_least)
{
	double p = pow(10, floor(log10(at_least)));

	for (size_t i = 0; i < 3; i++)
		if (p * (double[]){1, 2, 5}[i] >= at_least)
			return p * (double[]){1, 2, 5}[i];
	return p * 10;
}

static void reply_bins(const struct plot_packets *p, size_t a, size_t b,
	const struct plot_view *view, struct plot_reply *reply, const char *prefix)
{
	double span = (double)(view->to_ns - view->from_ns);
	double bin = nice_bin(fmax(1, span / fmin(BINS_MAX, view->width_px / 3.0 + 1)));
	double from = floor((double)view->from_ns / bin) * bin;
	size_t n = (size_t)(((double)view->to_ns - from) / bin) + 1;
	uint32_t *in;
	char name[PLOT_KEY];

	in = plot_reply_array(reply, plot_key(name, prefix, "bins", -1), PLOT_ORDER "u4",
		n * p->n_sources, sizeof(*in));
	for (size_t i = a; in && i < b; i++) {
		size_t k = (size_t)(((double)p->packet[i].t_ns - from) / bin);

		in[p->packet[i].source * n + (k < n ? k : n - 1)] += p->packet[i].count;
	}
	json_uint(&reply->json, plot_key(name, prefix, "bin_from", -1), (uint64_t)from);
	json_uint(&reply->json, plot_key(name, prefix, "bin_ns", -1), (uint64_t)bin);
}

static void reply_single(const struct plot_packets *p, size_t a, size_t b, struct plot_reply *reply,
	const char *prefix)
{
	uint16_t *source;
	char name[PLOT_KEY];
	double *t;

	t = plot_reply_array(
		reply, plot_key(name, prefix, "t", -1), PLOT_ORDER "f8", b - a, sizeof(*t));
	for (size_t i = a; t && i < b; i++)
		t[i - a] = (double)p->packet[i].t_ns;
	source = plot_reply_array(reply, plot_key(name, prefix, "source", -1), PLOT_ORDER "u2",
		b - a, sizeof(*source));
	for (size_t i = a; source && i < b; i++)
		source[i - a] = p->packet[i].source;
}

static void reply_columns(const struct plot_packets *p, size_t a, size_t b,
	const struct plot_view *view, struct plot_reply *reply, const char *prefix)
{
	double from = (double)view->from_ns, px = ((double)view->to_ns - from) / view->width_px;
	uint8_t *hit = calloc(view->width_px, 1);
	size_t n = 0, k = 0;
	char name[PLOT_KEY];
	double *t;

	if (!hit) {
		reply->failed = true;
		return;
	}
	for (size_t i = a; i < b; i++) {
		size_t c = (size_t)(((double)p->packet[i].t_ns - from) / px);

		c = c < view->width_px ? c : view->width_px - 1;
		n += !hit[c];
		hit[c] = 1;
	}
	t = plot_reply_array(
		reply, plot_key(name, prefix, "columns", -1), PLOT_ORDER "f8", n, sizeof(*t));
	for (uint32_t c = 0; t && c < view->width_px; c++)
		if (hit[c])
			t[k++] = from + (c + 0.5) * px;
	free(hit);
}

void plot_packets_reply(const struct plot_packets *p, const struct plot_view *view, bool labels,
	struct plot_reply *reply, const char *prefix)
{
	size_t a = lower(p, view->from_ns), b = lower(p, view->to_ns);
	char name[PLOT_KEY], text[96];

	json_uint(&reply->json, plot_key(name, prefix, "count", -1), count(p, a, b));
	if (b - a <= SINGLE_MAX)
		reply_single(p, a, b, reply, prefix);
	else
		reply_columns(p, a, b, view, reply, prefix);
	if (labels && b - a <= PLOT_LABELS_MAX && view->to_ns - view->from_ns <= PLOT_LABELS_NS) {
		json_array(&reply->json, plot_key(name, prefix, "labels", -1));
		for (size_t i = a; i < b; i++) {
			label_text(text, sizeof(text), &p->packet[i]);
			json_text(&reply->json, NULL, text);
		}
		json_close(&reply->json);
	}
	reply_bins(p, a, b, view, reply, prefix);
}
