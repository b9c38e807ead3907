/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/trace.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "host/trace/trace_internal.h"

/* ---- beginning and end ------------------------------------------------------------------------ */

void trace_notify(struct trace *t, enum trace_notice notice, uint64_t a, uint64_t b)
{
	if (t->config.notice)
		t->config.notice(t->config.notice_ctx, notice, a, b);
}

static size_t largest_message(void)
{
	const struct ayp_kind_info *info;
	size_t size = 0;

	for (size_t i = 0; (info = ayp_kind_at(i)); i++)
		size = info->size > size ? info->size : size;
	return size;
}

static void name_changed(void *ctx, uint16_t func)
{
	struct trace *t = ctx;

	t->sink.name(t->config.sink_ctx, func);
}

static void init_pairing(struct trace *t)
{
	t->pairing = (struct pairer_output){
		.sink = &t->sink,
		.sink_ctx = t->config.sink_ctx,
		.totals = &t->totals,
		.next_call = 1,
		.traits = t->functions.traits,
		.points = t->config.points,
	};
}

int trace_new(struct trace **out, const struct trace_config *config)
{
	struct trace *t = trace_alloc(&config->memory, sizeof(*t));
	void *room;
	int err;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->config = *config;
	t->mem = &t->config.memory;
	t->sink = *config->sink;
	t->wants_calls = t->sink.call || t->sink.segment || config->points;
	t->wants_events = t->wants_calls || t->sink.event || t->sink.loss || t->sink.watermark;
	table_init(&t->session_index, t->mem, config->secret);
	table_init(&t->loss_index, t->mem, config->secret);
	contested_init(&t->contested, t->mem, config->secret);
	decode_init(&t->decode, t->mem, &t->config.threads, flow_jobs_done, t);
	err = known_names_init(&t->names, t->mem, config->secret);
	if (!err)
		err = functions_init(&t->functions, &t->names, t->mem, config->secret);
	if (t->sink.name) {
		t->functions.changed = name_changed;
		t->functions.changed_ctx = t;
	}
	t->run.placed = true;
	t->message = trace_alloc(t->mem, largest_message());
	room = trace_alloc(t->mem, ayp_message_ctx_size());
	t->ctx = room ? ayp_message_ctx_init(room) : NULL;
	if (!t->ctx)
		trace_release(t->mem, room);
	if (err || !t->message || !t->ctx) {
		trace_free(t);
		return -ENOMEM;
	}
	init_pairing(t);
	*out = t;
	return 0;
}

void trace_free(struct trace *t)
{
	struct trace_memory mem;

	if (!t)
		return;
	mem = *t->mem;
	decode_free(&t->decode);
	sessions_free(t);
	functions_free(&t->functions);
	known_names_free(&t->names);
	contested_free(&t->contested);
	digest_free(t);
	state_free(&t->point);
	table_clear(&t->loss_index);
	trace_release(t->mem, t->message);
	trace_release(t->mem, t->ctx);
	trace_release(&mem, t);
}

int trace_learn(struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	assert(t->phase == TRACE_NEW || t->phase == TRACE_LEARNING);
	t->phase = TRACE_LEARNING;
	t->frame++;
	return frames_learn(t, h, payload, len);
}

/* The sessions whose protocol is known only now: nothing of them may be used. */
static void drop_later(struct trace *t)
{
	uint32_t needed = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->n_sessions; i++) {
		struct session *s = t->session[i];

		if (!s->pub.needs_protocol)
			continue;
		n++;
		if (s->pub.needs_protocol > needed)
			needed = s->pub.needs_protocol;
		session_drop(s);
	}
	if (n)
		trace_notify(t, TRACE_NOTICE_LATER_PROTOCOL, needed, n);
}

/* Figures as the first reading knows them. The session's own ledger goes on from what does not
 * depend on decoding. */
static void learn_figures(struct session *s, struct ledger *all)
{
	struct ledger_totals totals;

	if (trace_is_part(s->t)) {
		digest_account(s);
		return;
	}
	if (!s->ledger)
		return;
	*all = *s->ledger;
	arrivals_tell(&s->arrivals, all);
	ledger_totals(all, &totals);
	losses_learned(&s->losses, &totals);
	s->overrun_unmet =
		all->overruns.missing - totals.by_cause[ayaprof_LossCause_LOSS_HOST_OVERRUN];
	session_account(s, &totals, all->delivered);
}

static int learn_functions(struct trace *t)
{
	uint16_t first = 0;
	int err;

	while (first + 1u < t->n_sessions && !t->session[first]->pub.delivered)
		first++;
	functions_begin(&t->functions, first);
	if (!t->n_sessions)
		return 0;
	err = functions_enter(&t->functions, first, &t->session[first]->functions);
	for (uint16_t i = 0; i < t->n_sessions && !err; i++) {
		if (i != first)
			err = functions_enter(&t->functions, i, &t->session[i]->functions);
	}
	return err;
}

int trace_learned(struct trace *t)
{
	struct ledger *all = trace_alloc(t->mem, sizeof(*all));
	int err;

	assert(t->phase == TRACE_NEW || t->phase == TRACE_LEARNING);
	if (!all)
		return -ENOMEM;
	t->phase = TRACE_LEARNED;
	t->frame = 0;
	drop_later(t);
	for (size_t i = 0; i < t->n_sessions; i++)
		learn_figures(t->session[i], all);
	trace_release(t->mem, all);
	err = learn_functions(t);
	t->totals.names_left_out = t->names.left_out;
	if (t->totals.sessions_left_out)
		trace_notify(t, TRACE_NOTICE_SESSIONS, 0, TRACE_MAX_SESSIONS);
	runs_sum(t);
	if (trace_is_part(t)) {
		digest_frames(t);
		digest_totals(t);
	}
	places_settle(t);
	return err;
}

static int live_frame(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	int err = frames_learn(t, h, payload, len);

	if (t->totals.sessions_left_out && !t->told_sessions) {
		trace_notify(t, TRACE_NOTICE_SESSIONS, 0, TRACE_MAX_SESSIONS);
		t->told_sessions = true;
	}
	t->totals.names_left_out = t->names.left_out;
	runs_sum(t);
	return err;
}

int trace_frame(struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	assert(t->phase != TRACE_LEARNING && t->phase != TRACE_ENDED);
	if (t->phase == TRACE_NEW)
		t->phase = TRACE_LIVE;
	t->frame++;
	return t->phase == TRACE_LIVE ? live_frame(t, h, payload, len)
				      : frames_give(t, h, payload, len);
}

int trace_end(struct trace *t)
{
	int err = 0;

	assert(t->phase != TRACE_LEARNING && t->phase != TRACE_ENDED);
	for (size_t i = 0; i < t->n_sessions && !err; i++)
		err = frames_finish(t->session[i]);
	t->phase = TRACE_ENDED;
	t->totals.names_left_out = t->names.left_out;
	if (trace_is_part(t))
		digest_totals(t);
	places_settle(t);
	return err;
}

/* ---- what is known ---------------------------------------------------------------------------- */

const struct trace_func *trace_func(const struct trace *t, uint16_t func)
{
	static const struct trace_func none = {.name = "func_?", .symbol = "func_?", .owner = ""};
	const struct functions *f = &t->functions;

	/* Ids that nothing refers to have no row of their own. */
	return func < f->n && f->func[func].name ? &f->func[func] : &none;
}

uint32_t trace_func_count(const struct trace *t)
{
	return (uint32_t)t->functions.n;
}

/* Of a later protocol, or of none. */
static bool is_dropped(const struct trace *t, uint16_t session)
{
	return session >= t->n_sessions || t->session[session]->pub.needs_protocol;
}

const struct trace_task *trace_task(
	const struct trace *t, uint16_t session, uint32_t tid, uint64_t t_ns)
{
	return is_dropped(t, session) ? NULL : known_names_task(&t->names, session, tid, t_ns);
}

const char *trace_iface(const struct trace *t, uint16_t session, uint32_t ifindex)
{
	const struct name *e =
		known_names_get(&t->names, session, ayaprof_Table_TABLE_IFACE, ifindex);

	return e && !is_dropped(t, session) ? e->text : NULL;
}

const struct trace_stack *trace_stack(const struct trace *t, uint16_t session, uint32_t id)
{
	return is_dropped(t, session) ? NULL : known_names_stack(&t->names, session, id);
}

const char *trace_symbol(const struct trace *t, uint16_t session, uint32_t symbol)
{
	const struct name *e =
		known_names_get(&t->names, session, ayaprof_Table_TABLE_SYMBOL, symbol);

	return e && !is_dropped(t, session) ? e->text : "[unknown]";
}

uint16_t trace_session_count(const struct trace *t)
{
	return (uint16_t)t->n_sessions;
}

const struct trace_session *trace_session(const struct trace *t, uint16_t session)
{
	assert(session < t->n_sessions);
	return &t->session[session]->pub;
}

const struct trace_totals *trace_totals(const struct trace *t)
{
	return &t->totals;
}

uint64_t trace_since_origin(const struct trace *t, uint16_t session, uint64_t t_ns)
{
	uint64_t since;

	assert(session < t->n_sessions);
	since = t_ns + (uint64_t)t->session[session]->pub.shift_ns - t->totals.origin_ns;
	return (int64_t)since < 0 ? 0 : since;
}
