/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/rate.h"

#include <assert.h>

#include "framing/framing.h"
#include "framing/textframe.h"
#include "target/base/config.h"
#include "target/stream/writer.h"

/* Short frames lose less to noise and hold the line for less time; long ones code better. A
 * receiver repairs most of what noise does to frames of 2 KiB (docs/salvage.md). */
static const struct {
	uint64_t bytes_per_s;
	size_t frame_bytes;
} frame_sizes[] = {
	{23040, 1024}, {UINT64_MAX - 1, 2048}, {UINT64_MAX, 3584}, /* no line: a file, a network */
};

/* Lines of text below 1024 characters; and below 4096 whatever else is sent (config.h). */
#define TEXT_FRAME_BYTES 576u
#define TEXT_PAYLOAD_MAX 3000u
_Static_assert(TEXTFRAME_BOUND(TEXT_FRAME_BYTES + TEXT_FRAME_BYTES / 4 + EVENTS_OVERHEAD) < 1024,
	"lines are longer than said");
_Static_assert(
	TEXT_FRAME_BYTES_MAX + TEXT_FRAME_BYTES_MAX / 4 + EVENTS_OVERHEAD <= TEXT_PAYLOAD_MAX,
	"blocks of events would not fit");
_Static_assert(TEXTFRAME_BOUND(TEXT_PAYLOAD_MAX) <= 4095, "N_TTY holds no longer line");

/* Within a group a block can be decoded only after all before it, so a group bounds what a damaged
 * frame costs, and on a line how long a receiver that attaches late understands no event. Starting
 * from nothing costs about 1 % at 60 KiB and 2.5 % at 32 KiB (docs/codec.md). */
#define GROUP_BYTES      (60u << 10) /* of a file or a connection: damage is rare there */
#define LINE_GROUP_BYTES (32u << 10)
#define GROUP_SECONDS    2u

/* The rate that the periods are made for; slower lines get proportionally longer ones, up to: */
#define REFERENCE_BYTES_PER_S 11520u
#define MAX_SLOWDOWN          8u
/* A network's share is taken from this: what a receiver surely takes. */
#define NOMINAL_BYTES_PER_S 1250000u
#define REPEAT_PERCENT      8u
#define TELEMETRY_PERCENT   8u
/* A host says every 300 ms that it begins, until it is heard. */
#define START_MS 1000u
/* Longer than a host waits before it acknowledges on a quiet line; and what its words and the frame
 * that they are about take on this one. */
#define RTO_NS         (1200 * NS_PER_MS)
#define RTO_CLOSING_NS (500 * NS_PER_MS)
#define RTO_MAX_NS     (4 * NS_PER_S)
#define ACK_BYTES      64u
/* Syncs pass everything: they get a quarter of the line. */
#define SYNC_NS    (50 * NS_PER_MS)
#define SYNC_BYTES 40u
/* What a UART may hold that its driver does not count, and a margin. */
#define FIFO_BITS (128u * 10u)
#define SETTLE_NS (3 * NS_PER_MS)

static size_t frame_bytes_for(const struct sink *sink)
{
	uint64_t rate = sink->bytes_per_s ? sink->bytes_per_s : UINT64_MAX;
	size_t i = 0;

	if (sink->text)
		return TEXT_FRAME_BYTES;
	while (frame_sizes[i].bytes_per_s < rate)
		i++;
	return frame_sizes[i].frame_bytes;
}

static uint64_t group_bytes_for(uint64_t rate)
{
	if (rate == 0)
		return GROUP_BYTES;
	return rate * GROUP_SECONDS < LINE_GROUP_BYTES ? rate * GROUP_SECONDS : LINE_GROUP_BYTES;
}

static uint64_t period_for(uint64_t rate)
{
	uint64_t permille = (uint64_t)REFERENCE_BYTES_PER_S * 1000 / rate;

	if (permille < 1000)
		permille = 1000;
	if (permille > MAX_SLOWDOWN * 1000)
		permille = MAX_SLOWDOWN * 1000;
	return NS_PER_S / 1000 * permille;
}

static void derive_timeouts(struct rate *r, const struct sink *sink)
{
	uint64_t trip_ns = rate_time_ns(r, r->frame_bytes + ACK_BYTES);

	r->rto_ns = RTO_NS + trip_ns;
	r->rto_closing_ns = RTO_CLOSING_NS + trip_ns;
	r->rto_max_ns = RTO_MAX_NS + trip_ns;
	r->sync_ns = rate_time_ns(r, 4 * SYNC_BYTES);
	if (r->sync_ns < SYNC_NS)
		r->sync_ns = SYNC_NS;
	if (sink->baud)
		r->settle_ns = SETTLE_NS + FIFO_BITS * NS_PER_S / sink->baud;
}

void rate_derive(struct rate *r, const struct sink *sink, size_t frame_bytes)
{
	uint64_t rate = sink->bytes_per_s ? sink->bytes_per_s : NOMINAL_BYTES_PER_S;
	bool limits = sink->format == SINK_LINE;

	assert(frame_bytes <= FRAMING_MAX_PAYLOAD);
	*r = (struct rate){
		.bytes_per_s = sink->bytes_per_s,
		.frame_bytes = frame_bytes ? frame_bytes : frame_bytes_for(sink),
		.group_bytes = group_bytes_for(sink->bytes_per_s),
		.shares = {.period_ns = period_for(rate),
			.repeat_per_s = limits ? (int64_t)(rate * REPEAT_PERCENT / 100) + 1 : 0,
			.telemetry_per_s =
				limits ? (int64_t)(rate * TELEMETRY_PERCENT / 100) + 1 : 0},
		.start_bytes = (size_t)(sink->bytes_per_s * START_MS / 1000),
	};
	derive_timeouts(r, sink);
}

size_t rate_payload_max(const struct sink *sink)
{
	return sink->text ? TEXT_PAYLOAD_MAX : FRAMING_MAX_PAYLOAD;
}
