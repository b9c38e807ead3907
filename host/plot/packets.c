/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to so many packets are drawn one by one, and so many get a label. */
#define SINGLE_MAX 2000u
#define LABELS_MAX 300u
#define BINS_MAX   400.0

/* Arguments of an event of class packet, see proto/event.h. */
enum { ARG_IFINDEX, ARG_BYTES, ARG_DST_TYPE, ARG_SRC };

static int by_time(const void *a, const void *b)
{
	const struct plot_packet *x = a, *y = b;

	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return x->event < y->event ? -1 : x->event > y->event;
}

static uint16_t source_of(struct plot_packets *p, uint32_t ifindex)
{
	for (size_t i = 0; i < p->n_sources; i++)
		if (p->ifindex[i] == ifindex)
			return (uint16_t)i;
	if (p->n_sources < PLOT_IFACES_MAX)
		p->ifindex[p->n_sources++] = ifindex;
	return (uint16_t)(p->n_sources - 1);
}

static bool is_packet(const struct model *m, const struct model_event *ev)
{
	return model_func(m, ev->func)->cls == AYP_CLASS_PACKET;
}

void plot_packets_free(struct plot_packets *p)
{
	free(p->packet);
	memset(p, 0, sizeof(*p));
}

int plot_packets_build(struct plot_packets *p, const struct model *m)
{
	size_t n = 0;

	memset(p, 0, sizeof(*p));
	for (size_t i = 0; i < m->n_events; i++)
		n += is_packet(m, &m->events[i]);
	if (!n)
		return 0;
	p->packet = malloc(n * sizeof(*p->packet));
	if (!p->packet)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_events; i++) {
		const struct model_event *ev = &m->events[i];

		if (!is_packet(m, ev))
			continue;
		p->packet[p->n++] = (struct plot_packet){
			.t_ns = model_since_origin(m, ev->session, ev->t_ns),
			.event = (uint32_t)i,
			.source = source_of(p, ev->nargs > ARG_IFINDEX
						       ? (uint32_t)m->args[ev->arg_at + ARG_IFINDEX]
						       : 0),
		};
	}
	qsort(p->packet, p->n, sizeof(*p->packet), by_time);
	return 0;
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

static void label_text(char *out, size_t cap, const struct model *m, const struct model_event *ev)
{
	const uint64_t *arg = &m->args[ev->arg_at];
	const char *type = NULL;
	char number[16], src[18], dst[18];
	uint16_t ether;

	if (ev->nargs <= ARG_SRC) {
		snprintf(out, cap, "header unknown");
		return;
	}
	ether = (uint16_t)arg[ARG_DST_TYPE];
	for (size_t i = 0; i < sizeof(ether_types) / sizeof(ether_types[0]); i++)
		if (ether_types[i].type == ether)
			type = ether_types[i].name;
	if (!type) {
		snprintf(number, sizeof(number), "0x%04x", ether);
		type = number;
	}
	mac_text(src, arg[ARG_SRC]);
	mac_text(dst, arg[ARG_DST_TYPE] >> 16);
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
	uint32_t *count;
	char name[PLOT_KEY];

	count = plot_reply_array(reply, plot_key(name, prefix, "bins", -1), PLOT_ORDER "u4",
		n * p->n_sources, sizeof(*count));
	for (size_t i = a; count && i < b; i++) {
		size_t k = (size_t)(((double)p->packet[i].t_ns - from) / bin);

		count[p->packet[i].source * n + (k < n ? k : n - 1)]++;
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

void plot_packets_reply(const struct plot_packets *p, const struct model *m,
	const struct plot_view *view, bool labels, struct plot_reply *reply, const char *prefix)
{
	size_t a = lower(p, view->from_ns), b = lower(p, view->to_ns);
	char name[PLOT_KEY], text[96];

	json_uint(&reply->json, plot_key(name, prefix, "count", -1), b - a);
	if (b - a <= SINGLE_MAX)
		reply_single(p, a, b, reply, prefix);
	else
		reply_columns(p, a, b, view, reply, prefix);
	if (labels && b - a <= LABELS_MAX) {
		json_array(&reply->json, plot_key(name, prefix, "labels", -1));
		for (size_t i = a; i < b; i++) {
			label_text(text, sizeof(text), m, &m->events[p->packet[i].event]);
			json_text(&reply->json, NULL, text);
		}
		json_close(&reply->json);
	}
	reply_bins(p, a, b, view, reply, prefix);
}
