/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/recorder_books.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/say.h"

union message {
	ayaprof_Hello hello;
	ayaprof_Events events;
	ayaprof_Loss loss;
	ayaprof_Status status;
	ayaprof_Goodbye goodbye;
};

int recorder_books_init(struct recorder_books *b)
{
	memset(b, 0, sizeof(*b));
	b->room = malloc(sizeof(union message));
	b->ctx = ayp_message_ctx_new();
	return b->room && b->ctx ? 0 : -ENOMEM;
}

void recorder_books_free(struct recorder_books *b)
{
	free(b->room);
	if (b->ctx)
		ayp_message_ctx_free(b->ctx);
}

static void forget_oldest(struct recorder_books *b)
{
	struct ledger_totals t;

	ledger_totals(&b->session[0].book, &t);
	b->past_events += b->session[0].book.delivered;
	b->past_unended += !b->session[0].book.has_goodbye;
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		b->past_by_cause[c] = ledger_add(b->past_by_cause[c], t.by_cause[c]);
	memmove(&b->session[0], &b->session[1], (RECORDER_SESSIONS - 1) * sizeof(b->session[0]));
	b->n--;
}

static size_t session_index(struct recorder_books *b, uint32_t id)
{
	for (size_t i = b->n; i-- > 0;) {
		if (b->session[i].id == id)
			return i;
	}
	if (b->n == RECORDER_SESSIONS)
		forget_oldest(b);
	recorder_books_settle(b);
	memset(&b->session[b->n], 0, sizeof(b->session[0]));
	b->session[b->n].id = id;
	b->heard++;
	return b->n++;
}

bool recorder_books_understood(const struct recorder_books *b, uint32_t session)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->session[i].id == session)
			return !b->session[i].later_protocol;
	}
	return true;
}

static void on_hello(struct recorder_books *b, size_t at, const ayaprof_Hello *hello)
{
	b->session[at].book.resends = hello->link == ayaprof_LinkMode_LINK_RELIABLE;
	if (hello->protocol_min <= AYP_PROTOCOL_VERSION || b->session[at].later_protocol)
		return;
	say("the board needs a hostdec that speaks protocol %u, this one speaks %u: its frames are "
	    "recorded for a newer hostdec, none is decoded",
		hello->protocol_min, AYP_PROTOCOL_VERSION);
	memset(&b->session[at].book, 0, sizeof(b->session[at].book));
	b->session[at].later_protocol = b->later_protocol = true;
}

static void take_block(
	struct ledger *book, struct ayp_block_chain *chain, const struct recorder_held *h)
{
	if (ayp_block_chain_follow(chain, h->codec, h->head, h->head_len))
		ledger_block(book, h->first_index, h->count, true);
	else
		ledger_seen(book, h->first_index, h->count);
}

static int by_index(const void *pa, const void *pb)
{
	const struct recorder_held *a = pa, *b = pb;

	return a->first_index < b->first_index ? -1 : a->first_index > b->first_index;
}

static void take_held(struct ledger *book, struct ayp_block_chain *chain,
	const struct recorder_held *held, size_t n)
{
	for (size_t i = 0; i < n; i++)
		take_block(book, chain, &held[i]);
}

static void sort_held(struct recorder_books *b)
{
	if (b->n_held)
		qsort(b->held, b->n_held, sizeof(b->held[0]), by_index);
}

void recorder_books_settle(struct recorder_books *b)
{
	if (b->n_held == 0)
		return;
	sort_held(b);
	take_held(&b->session[b->n - 1].book, &b->session[b->n - 1].chain, b->held, b->n_held);
	b->n_held = 0;
}

/* Blocks build on one another in the order of their indexes; frames that are sent again come late. */
static void on_events(struct recorder_books *b, size_t at, const ayaprof_Events *e)
{
	struct ledger *book = &b->session[at].book;
	struct recorder_held h = {e->first_index, e->count, e->codec, {0}, 0};

	if (!ledger_block_possible(e->first_index, e->count))
		return;
	overruns_came(&book->overruns, e->first_index, e->count);
	h.head_len = (uint8_t)(e->block.size < sizeof(h.head) ? e->block.size : sizeof(h.head));
	memcpy(h.head, e->block.bytes, h.head_len);
	if (at + 1 != b->n) {
		take_block(book, &b->session[at].chain, &h);
		return;
	}
	if (b->n_held == RECORDER_HELD)
		recorder_books_settle(b);
	b->held[b->n_held++] = h;
}

static void on_message(struct recorder_books *b, size_t at, unsigned int kind)
{
	struct ledger *book = &b->session[at].book;
	const union message *m = b->room;

	switch (kind) {
	case AYP_KIND_HELLO:
		on_hello(b, at, &m->hello);
		break;
	case AYP_KIND_EVENTS:
		on_events(b, at, &m->events);
		break;
	case AYP_KIND_LOSS:
		ledger_loss(book, &m->loss);
		break;
	case AYP_KIND_STATUS:
		ledger_status(book, &m->status);
		break;
	case AYP_KIND_GOODBYE:
		if (m->goodbye.has_status)
			ledger_status(book, &m->goodbye.status);
		book->has_goodbye = true;
		break;
	}
}

bool recorder_books_frame(struct recorder_books *b, const struct framing_header *h,
	const uint8_t *payload, size_t len)
{
	uint32_t before = b->heard;
	size_t at = session_index(b, h->session);
	bool first = b->heard != before;

	switch (h->kind) {
	case AYP_KIND_HELLO:
	case AYP_KIND_EVENTS:
	case AYP_KIND_LOSS:
	case AYP_KIND_STATUS:
	case AYP_KIND_GOODBYE:
		break;
	default:
		return first;
	}
	/* Kinds never change their meaning: that it is a goodbye is known without reading it. */
	if (b->session[at].later_protocol)
		b->session[at].book.has_goodbye |= h->kind == AYP_KIND_GOODBYE;
	else if (ayp_message_decode(b->ctx, h->kind, h->flags, payload, len, b->room) == 0)
		on_message(b, at, h->kind);
	return first;
}

void recorder_books_overrun(struct recorder_books *b)
{
	if (b->n)
		overruns_mark(&b->session[b->n - 1].book.overruns);
}

void recorder_books_line(struct recorder_books *b)
{
	if (b->n)
		overruns_unmark(&b->session[b->n - 1].book.overruns);
}

/* The newest session as it would stand if nothing came any more before what waits. */
static void as_if_settled(struct recorder_books *b, bool running, struct ledger *book)
{
	struct ayp_block_chain chain = b->session[b->n - 1].chain;

	*book = b->session[b->n - 1].book;
	book->open = running && !book->has_goodbye;
	sort_held(b);
	take_held(book, &chain, b->held, b->n_held);
}

static void add_session(struct recorder_state *state, const struct ledger *book)
{
	struct ledger_totals t;

	ledger_totals(book, &t);
	state->events += book->delivered;
	state->backlog += t.backlog;
	state->unended += !book->has_goodbye;
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		state->lost_by_cause[c] = ledger_add(state->lost_by_cause[c], t.by_cause[c]);
}

void recorder_books_totals(struct recorder_books *b, bool running, struct recorder_state *state)
{
	struct ledger newest = {.has_goodbye = false};

	state->events = b->past_events;
	memcpy(state->lost_by_cause, b->past_by_cause, sizeof(state->lost_by_cause));
	state->lost = state->backlog = 0;
	state->unended = b->past_unended;
	for (size_t i = 0; i + 1 < b->n; i++)
		add_session(state, &b->session[i].book);
	if (b->n) {
		as_if_settled(b, running, &newest);
		add_session(state, &newest);
	}
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		state->lost = ledger_add(state->lost, state->lost_by_cause[c]);
	state->sessions = b->heard;
	state->later_protocol = b->later_protocol;
	state->goodbye = newest.has_goodbye;
	state->has_status = newest.has_status;
	state->status = newest.status;
}
