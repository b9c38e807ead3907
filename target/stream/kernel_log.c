/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The kernel's log onto the line. A record is read only when there is room and budget for it: until
 * then it waits in the kernel's ring, and a flood costs the oldest records there, which the host
 * sees missing by their numbers.
 */
#include <string.h>

#include "target/source/kmsg.h"
#include "target/base/log.h"
#include "target/stream/stream.h"

/* A message that fits the shortest frames of metadata whatever the records hold. */
#define RECORDS_PER_MESSAGE 8u
/* Messages a turn: a file takes all, and the rest of the daemon has its turn, too. */
#define MESSAGES_PER_TURN 32u

/* Where nobody listens at the moment, nobody is waited for. */
static bool takes_log(struct stream *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n_channels; i++) {
		struct channel *c = s->channels[i];

		if (c->feed.ended || !c->sink->present)
			continue;
		any = true;
		if (!feed_takes_telemetry(&c->feed, AYP_KIND_LOG, s->now_ns))
			return false;
	}
	return any;
}

/* False when there was nothing more to read. */
static bool read_records(struct stream *s, ayaprof_Log *msg)
{
	int got = 1;

	memset(msg, 0, sizeof(*msg));
	while (msg->records_count < RECORDS_PER_MESSAGE && got == 1) {
		got = kmsg_next(s->log.fd, &msg->records[msg->records_count]);
		msg->records_count = (pb_size_t)(msg->records_count + (got == 1));
	}
	if (got < 0) {
		log_warn("the kernel's log cannot be read any more: %s", strerror(-got));
		s->log.fd = -1;
	}
	return got == 1;
}

void stream_pass_log(struct stream *s)
{
	ayaprof_Log *msg = &s->writer.msg.log;
	bool more = s->log.fd >= 0;

	for (unsigned int i = 0; i < MESSAGES_PER_TURN && more && takes_log(s); i++) {
		more = read_records(s, msg);
		if (msg->records_count)
			stream_post_telemetry(s, AYP_KIND_LOG, msg, true);
	}
}
