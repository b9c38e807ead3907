/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a recording says besides calls: memory, traffic, packets, losses; taken in as it is read, and
 * reduced to a view. Times are ns since the recording's origin. Functions that return int return 0 or
 * -ENOMEM, without a message.
 *
 * Each holds a fixed number of values at most. What is more is thinned out: half of them go, the
 * shape stays. All zero is empty, and to be released with the function whose name ends in _free.
 */
#ifndef HOST_PLOT_SERIES_H
#define HOST_PLOT_SERIES_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "host/plot/geometry.h"
#include "host/plot/reply.h"
#include "proto/message.h"

/* ---- memory: outstanding bytes, each value valid until the next ------------------------------ */

#define PLOT_MEMORY_MAX (1u << 18) /* moments of 32 bytes */

enum plot_memory_line { PLOT_KMALLOC, PLOT_KMEM_CACHE, PLOT_MEMORY_TOTAL, PLOT_MEMORY_LINES };

struct plot_memory {
	size_t n, cap;
	double *t_ns;                     /* never goes back */
	double *bytes[PLOT_MEMORY_LINES]; /* NaN: unknown from here on (a new session began) */
	/* Counters stand where the last sample of their session left them. */
	struct plot_memory_state {
		double now[2];
	} * state; /* by session */
	size_t n_states, cap_states;
	uint16_t session; /* of the newest sample */
};

int plot_memory_add(
	struct plot_memory *mem, uint16_t session, uint64_t t_ns, const ayaprof_Sample *s);
void plot_memory_free(struct plot_memory *mem);
/* Arrays PREFIX.kmalloc, .kmem_cache, .total: pairs (ns, bytes). At most four per pixel and line.
 */
void plot_memory_reply(const struct plot_memory *mem, const struct plot_view *view,
	struct plot_reply *reply, const char *prefix);

/* ---- throughput ------------------------------------------------------------------------------- */

#define PLOT_IFACES_MAX       8u         /* shown one by one, busiest first; the total has all */
#define PLOT_IFACES_KNOWN_MAX 256u       /* counted */
#define PLOT_TRAFFIC_MAX      (1u << 21) /* moments times interfaces, of 16 bytes */

struct plot_iface {
	uint32_t ifindex;
	uint16_t session; /* in which it was named so last */
	double *rx, *tx;  /* bytes since the start of the session, [n] */
	double rx_now, tx_now;
	double sum; /* bytes of both, over all sessions */
};

struct plot_traffic {
	size_t n, cap; /* moments; the first of a session is its start, when all counters were 0 */
	double *t_ns;  /* never goes back */
	uint16_t *session;
	double *total;            /* bytes, all interfaces and directions, [n] */
	struct plot_iface *iface; /* PLOT_IFACES_KNOWN_MAX */
	size_t n_known;
	size_t n_ifaces;    /* the first so many are shown */
	size_t n_other;     /* interfaces with traffic beyond those */
	double interval_ns; /* usual distance of samples */
	uint8_t *seen;      /* bits, by session */
};

/* start_ns: of the session, since the origin; not before t_ns: not known. */
int plot_traffic_add(struct plot_traffic *tr, uint16_t session, uint64_t start_ns, uint64_t t_ns,
	const ayaprof_Sample *s);
/* All samples are in: the busiest interfaces come first. interval_ns: 0 where nothing says it. */
void plot_traffic_finish(struct plot_traffic *tr, double interval_ns);
void plot_traffic_free(struct plot_traffic *tr);
/* Arrays PREFIX.t, .total, .inI, .outI (bit/s over the time up to t; NaN where a session begins)
 * and PREFIX.smooth: pairs (ns, bit/s). JSON key PREFIX.smooth_ns: what it is smoothed over. */
void plot_traffic_reply(const struct plot_traffic *tr, const struct plot_view *view,
	struct plot_reply *reply, const char *prefix);

/* ---- packets ---------------------------------------------------------------------------------- */

#define PLOT_PACKETS_MAX (1u << 19) /* of 32 bytes */

struct plot_packet {
	uint64_t t_ns;
	uint64_t dst_type, src; /* arguments of its event, proto/event.h */
	uint32_t count;         /* more than 1: of so many packets of its source close by */
	uint16_t source;        /* index into plot_packets.ifindex */
	bool has_header;        /* dst_type and src are known */
};

struct plot_packets {
	struct plot_packet *packet; /* by time, once finished */
	size_t n, cap;
	uint64_t total;                    /* packets, also those that were only counted */
	uint32_t ifindex[PLOT_IFACES_MAX]; /* the last one stands for all others when n_sources is
					      full */
	uint16_t session[PLOT_IFACES_MAX]; /* in which they were named so */
	size_t n_sources;
	size_t newest[PLOT_IFACES_MAX]; /* packet + 1 */
	bool merged;
	unsigned int grain_bits; /* packets of a source within 1 << this of time are one */
};

/* arg: n of them, of an event of class packet. `keep`: not only count it. */
int plot_packets_add(struct plot_packets *p, uint16_t session, uint64_t t_ns, const uint64_t *arg,
	unsigned int n, bool keep);
void plot_packets_finish(struct plot_packets *p);
void plot_packets_free(struct plot_packets *p);
/* Labels of single packets are legible in views up to this length, and of so many. */
#define PLOT_LABELS_NS  20000000u
#define PLOT_LABELS_MAX 300u
/* Packets in the view. */
uint64_t plot_packets_count(const struct plot_packets *p, const struct plot_view *view);
/*
 * JSON PREFIX.count: packets in view. Few of them: arrays PREFIX.t and PREFIX.source, one each,
 * and with `labels`, where they are legible, JSON PREFIX.labels. Many: array PREFIX.columns, the
 * times of the pixel columns with a packet. Always PREFIX.bins [sources][bins] with JSON
 * PREFIX.bin_from and PREFIX.bin_ns.
 */
void plot_packets_reply(const struct plot_packets *p, const struct plot_view *view, bool labels,
	struct plot_reply *reply, const char *prefix);

/* ---- losses ----------------------------------------------------------------------------------- */

#define PLOT_LOSSES_MAX (1u << 16) /* of 32 bytes */

struct plot_loss {
	uint64_t first_ns, last_ns;
	uint64_t count;
	int32_t cpu; /* -1: all */
};

struct plot_losses {
	struct plot_loss *loss;
	size_t n, cap;
	uint64_t undated; /* lost at an unknown time */
};

int plot_losses_add(
	struct plot_losses *lo, uint64_t first_ns, uint64_t last_ns, int cpu, uint64_t count);
void plot_losses_free(struct plot_losses *lo);
/* Arrays lost.x0, lost.x1 (ns), lost.cpu (-1: all): merged to what pixels can tell apart. JSON
 * "lost.events": lost in the view, or at an unknown time ("lost.undated" of them). */
int plot_losses_reply(
	const struct plot_losses *lo, const struct plot_view *view, struct plot_reply *reply);

#endif
