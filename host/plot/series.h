/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a recording says besides calls: memory, traffic, packets, losses; and their reduction to a
 * view. Times are ns since the recording's origin. Functions return 0 or -ENOMEM, without a
 * message.
 */
#ifndef HOST_PLOT_SERIES_H
#define HOST_PLOT_SERIES_H

#include <stdint.h>
#include <stddef.h>

#include "host/model/model.h"
#include "host/plot/geometry.h"
#include "host/plot/reply.h"

/* ---- memory: outstanding bytes, each value valid until the next --------------------------------
 */

enum plot_memory_line { PLOT_KMALLOC, PLOT_KMEM_CACHE, PLOT_MEMORY_TOTAL, PLOT_MEMORY_LINES };

struct plot_memory {
	size_t n;
	double *t_ns;
	double *bytes[PLOT_MEMORY_LINES]; /* NaN: unknown from here on (a new session began) */
};

int plot_memory_build(struct plot_memory *mem, const struct model *m);
void plot_memory_free(struct plot_memory *mem);
/* Arrays PREFIX.kmalloc, .kmem_cache, .total: pairs (ns, bytes). At most four per pixel and line.
 */
void plot_memory_reply(const struct plot_memory *mem, const struct plot_view *view,
	struct plot_reply *reply, const char *prefix);

/* ---- throughput ---------------------------------------------------------------------------------
 */

#define PLOT_IFACES_MAX 8u /* shown one by one, busiest first; the total has all */

struct plot_iface {
	uint32_t ifindex;
	double *rx,
		*tx; /* bytes since the start of the session, [n]; NULL when only in the total */
};

struct plot_traffic {
	size_t n; /* moments; the first of a session is its start, when all counters were 0 */
	double *t_ns;
	uint8_t *session;
	double *total; /* bytes, all interfaces and directions, [n] */
	struct plot_iface iface[PLOT_IFACES_MAX];
	size_t n_ifaces;
	size_t n_other;     /* interfaces with traffic beyond those */
	double interval_ns; /* usual distance of samples */
};

int plot_traffic_build(struct plot_traffic *tr, const struct model *m);
void plot_traffic_free(struct plot_traffic *tr);
/* Arrays PREFIX.t, .total, .inI, .outI (bit/s over the time up to t; NaN where a session begins)
 * and PREFIX.smooth: pairs (ns, bit/s). JSON key PREFIX.smooth_ns: what it is smoothed over. */
void plot_traffic_reply(const struct plot_traffic *tr, const struct plot_view *view,
	struct plot_reply *reply, const char *prefix);

/* ---- packets ------------------------------------------------------------------------------------
 */

struct plot_packet {
	uint64_t t_ns;
	uint32_t event;  /* index into model.events */
	uint16_t source; /* index into plot_packets.ifindex */
};

struct plot_packets {
	struct plot_packet *packet; /* by time */
	size_t n;
	uint32_t ifindex[PLOT_IFACES_MAX]; /* the last one stands for all others when n_sources is
					      full */
	size_t n_sources;
};

int plot_packets_build(struct plot_packets *p, const struct model *m);
void plot_packets_free(struct plot_packets *p);
/*
 * JSON PREFIX.count: packets in view. Few of them: arrays PREFIX.t and PREFIX.source, one each,
 * and with `labels` JSON PREFIX.labels. Many: array PREFIX.columns, the times of the pixel columns
 * with a packet. Always PREFIX.bins [sources][bins] with JSON PREFIX.bin_from and PREFIX.bin_ns.
 */
void plot_packets_reply(const struct plot_packets *p, const struct model *m,
	const struct plot_view *view, bool labels, struct plot_reply *reply, const char *prefix);

/* ---- losses -------------------------------------------------------------------------------------
 */

/* Arrays lost.x0, lost.x1 (ns), lost.cpu (-1: all): merged to what pixels can tell apart. JSON
 * "lost.events": lost in the view, or at an unknown time ("lost.undated" of them). */
int plot_lost_reply(const struct model *m, const struct plot_view *view, struct plot_reply *reply);

#endif
