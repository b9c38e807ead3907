/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/recording/notices.h"

#include <inttypes.h>

#include "host/base/say.h"

void notice_say(void *ctx, enum trace_notice notice, uint64_t a, uint64_t b)
{
	struct trace *const *t = ctx;

	switch (notice) {
	case TRACE_NOTICE_LATER_FORMAT:
		say("the recording has format %" PRIu64
		    ", this version knows %u; what it understands is shown",
			a, AYP_FORMAT_VERSION);
		break;
	case TRACE_NOTICE_LATER_CODEC:
		say("events are coded in a way this version does not know (codec %" PRIu64
		    "); a newer hostdec can read them",
			a);
		break;
	case TRACE_NOTICE_LATER_PROTOCOL:
		say("%" PRIu64 " of %u sessions in this recording need%s a hostdec that speaks "
		    "protocol %" PRIu64 ", this one speaks %u: nothing of %s is shown",
			b, trace_session_count(*t), b == 1 ? "s" : "", a, AYP_PROTOCOL_VERSION,
			b == 1 ? "it" : "them");
		break;
	case TRACE_NOTICE_SESSIONS:
		break; /* how many they were is known at the end */
	}
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void notice_left_out(const struct trace *t)
{
	const struct trace_totals *n = trace_totals(t);

	if (n->sessions_left_out)
		say("%" PRIu64 " session%s beyond the first %u are not shown", n->sessions_left_out,
			plural(n->sessions_left_out), TRACE_MAX_SESSIONS);
	if (n->threads_forgotten)
		say("more threads at a time than can be kept apart: of %" PRIu64
		    " the open calls end early",
			n->threads_forgotten);
	if (n->names_left_out)
		say("more names than can be kept: %" PRIu64 " left out", n->names_left_out);
	if (n->blocks_out_of_reach)
		say("%" PRIu64
		    " block%s of events came too long after those behind them, and count "
		    "as lost",
			n->blocks_out_of_reach, plural(n->blocks_out_of_reach));
}
