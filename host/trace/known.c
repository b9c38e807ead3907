/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the frames of a session say, before anything of it is given. */
#include <errno.h>

#include "host/trace/handlers.h"
#include "host/trace/trace_internal.h"
#include "proto/clean.h"

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

int know_hello(struct session *s, const void *msg)
{
	const ayaprof_Hello *hello = msg;
	struct trace *t = s->t;
	bool news = !s->pub.has_hello;

	s->pub.hello = *hello;
	s->pub.has_hello = true;
	if (hello->protocol_min > AYP_PROTOCOL_VERSION &&
		hello->protocol_min > s->pub.needs_protocol)
		s->pub.needs_protocol = hello->protocol_min;
	if (t->phase != TRACE_LIVE)
		return 0;
	if (s->pub.needs_protocol) {
		int err = decode_drain(&t->decode);

		if (err)
			return err;
		decode_forget(&t->decode, &s->decode);
		session_drop(s);
		if (!t->told_protocol)
			trace_notify(t, TRACE_NOTICE_LATER_PROTOCOL, s->pub.needs_protocol, 1);
		t->told_protocol = true;
		news = true;
	}
	if (news) {
		places_settle(t);
		session_tell(s);
	}
	return 0;
}

/* A line's ids are those of the session that uses some first. */
static int begin_functions(struct session *s)
{
	struct trace *t = s->t;
	int err;

	if (t->phase != TRACE_LIVE || t->functions.line >= 0)
		return 0;
	functions_begin(&t->functions, s->index);
	err = functions_enter(&t->functions, s->index, &s->functions);
	for (size_t i = 0; i < t->n_sessions && !err; i++) {
		if (t->session[i] != s)
			err = functions_enter(
				&t->functions, (uint16_t)i, &t->session[i]->functions);
	}
	return err;
}

int know_names(struct session *s, const void *msg)
{
	const ayaprof_Names *names = msg;
	struct trace *t = s->t;
	int err = begin_functions(s);

	for (pb_size_t i = 0; i < names->names_count && !err; i++) {
		uint32_t added;

		err = known_names_put(&t->names, s->index, &names->names[i], &added);
		if (!err && added != NAMES_NONE)
			err = functions_named(&t->functions, s->index, &s->functions, added);
	}
	return err;
}

int know_stacks(struct session *s, const void *msg)
{
	const ayaprof_Stacks *stacks = msg;
	int err = 0;

	for (pb_size_t i = 0; i < stacks->stacks_count && !err; i++)
		err = known_names_put_stack(&s->t->names, s->index, &stacks->stacks[i]);
	return err;
}

int know_events(struct session *s, const void *msg)
{
	const ayaprof_Events *e = msg;
	struct trace *t = s->t;
	int came;

	if (!ledger_block_possible(e->first_index, e->count)) {
		t->totals.frames_unknown++;
		t->digest.unknown_events++;
		return 0;
	}
	if (!session_ledger(s))
		return -ENOMEM;
	overruns_came(&s->ledger->overruns, e->first_index, e->count);
	if (t->phase == TRACE_LIVE)
		return begin_functions(s);
	s->last_frame = t->frame;
	came = arrivals_block(
		&s->arrivals, e->first_index, e->count, e->codec, e->block.bytes, e->block.size);
	if (came < 0)
		return came;
	/* The same bytes may be read by one codec and not by another, or be of another number of events. */
	return contested_block(&t->contested, s->index, e->first_index,
		framing_crc32c(e->codec ^ e->count << 16, e->block.bytes, e->block.size), t->frame);
}

static void hear(struct session *s, uint64_t t_ns)
{
	if (!s->heard_ns)
		s->heard_ns = t_ns;
}

int know_samples(struct session *s, const void *msg)
{
	const ayaprof_Samples *in = msg;

	s->last_frame = s->t->frame;
	for (pb_size_t i = 0; i < in->samples_count; i++) {
		hear(s, in->samples[i].t_ns);
		s->pub.last_sample_ns = greater(s->pub.last_sample_ns, in->samples[i].t_ns);
	}
	return 0;
}

int know_aggregates(struct session *s, const void *msg)
{
	const ayaprof_Aggregates *in = msg;
	int err = begin_functions(s);

	for (pb_size_t i = 0; i < in->rows_count && !err; i++)
		err = functions_exact(&s->t->functions, s->index, &s->functions, &in->rows[i]);
	return err;
}

int know_loss(struct session *s, const void *msg)
{
	const ayaprof_Loss *loss = msg;
	int err;

	if (!session_ledger(s))
		return -ENOMEM;
	ledger_loss(s->ledger, loss);
	err = losses_told(&s->losses, loss);
	return err || s->t->phase != TRACE_LIVE || s->finished ? err : flow_told(s);
}

int know_status(struct session *s, const void *msg)
{
	const ayaprof_Status *status = msg;

	if (!session_ledger(s))
		return -ENOMEM;
	hear(s, status->t_ns);
	ledger_status(s->ledger, status);
	s->pub.has_status = s->ledger->has_status;
	s->pub.status = s->ledger->status;
	s->pub.last_status_ns = greater(s->pub.last_status_ns, status->t_ns);
	return 0;
}

int know_goodbye(struct session *s, const void *msg)
{
	const ayaprof_Goodbye *bye = msg;

	s->pub.has_goodbye = true;
	text_clean(s->pub.end_reason, sizeof(s->pub.end_reason), bye->reason);
	s->pub.command_ended = bye->command_ended;
	s->pub.exit_status = bye->exit_status;
	return bye->has_status ? know_status(s, &bye->status) : 0;
}

int know_log(struct session *s, const void *msg)
{
	s->last_frame = s->t->frame;
	return 0;
}
