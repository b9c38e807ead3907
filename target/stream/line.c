/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/line.h"

/* Some seconds of a usual line: so long a host may be away before the board stops sending. */
#define WINDOW_BYTES (256u << 10)

static size_t window_bytes(const struct config *cfg)
{
	return cfg->spool_mem / 4 < WINDOW_BYTES ? cfg->spool_mem / 4 : WINDOW_BYTES;
}

int line_init(struct line *l, struct output *out, const struct line_parts *parts,
	const struct config *cfg, uint64_t now)
{
	int err;

	l->out = out;
	l->frame_bytes = cfg->frame_bytes;
	pace_for(&out->pace, out->sink, l->frame_bytes);
	err = feed_init(&l->feed, out, parts->writer, parts->names, parts->stacks, now);
	if (!err)
		err = reliable_init(&l->link, out, parts->writer, cfg->link, window_bytes(cfg));
	if (err)
		return err;
	rate_init(&l->rate, out, &l->link);
	backchannel_init(&l->back, parts->writer->ctx, out->session);
	return 0;
}

bool line_follow_rate(struct line *l)
{
	if (l->out->pace.bytes_per_s == l->out->sink->bytes_per_s)
		return false;
	pace_for(&l->out->pace, l->out->sink, l->frame_bytes);
	feed_follow_pace(&l->feed);
	return true;
}

bool line_tick(struct line *l, bool closing, uint64_t now)
{
	bool changed;

	if (closing)
		reliable_close(&l->link);
	rate_tick(&l->rate, now);
	changed = line_follow_rate(l);
	reliable_tick(&l->link, now);
	return changed;
}
