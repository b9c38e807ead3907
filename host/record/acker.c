/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/acker.h"

#include <string.h>

#include "framing/seq.h"

#define MS UINT64_C(1000000)

/* PROTOCOL.md, section 14, "When a host acknowledges". */
#define EVERY_BYTES    4096u
#define GAP_NS         (10 * MS)
#define NEWS_NS        (350 * MS)
#define HEARTBEAT_NS   (1000 * MS)
#define BEGIN_NS       (300 * MS)
#define BUDGET_PERCENT 2
/* A board that does not answer so many times cannot hear us. */
#define ASK_IN_VAIN 10u
/* What was not said is not saved up for long. */
#define BUDGET_MAX 2048

#define RUNS_MAX (sizeof(((ayaprof_Ack *)0)->missing) / sizeof(((ayaprof_Ack *)0)->missing[0]))

void acker_init(struct acker *a, struct ayp_message_ctx *ctx, uint32_t receiver)
{
	*a = (struct acker){.ctx = ctx, .receiver = receiver, .encode = framing_encode};
}

void acker_bytes(struct acker *a, size_t len)
{
	a->bytes += len;
	a->budget += (int64_t)len * BUDGET_PERCENT;
	if (a->budget > BUDGET_MAX * 100)
		a->budget = BUDGET_MAX * 100;
}

/* ---- which frames arrived ---------------------------------------------------------------------- */

static uint64_t *word(struct acker *a, uint32_t seq)
{
	return &a->arrived[seq % ACKER_WINDOW / 64];
}

static bool has(struct acker *a, uint32_t seq)
{
	return *word(a, seq) >> seq % 64 & 1;
}

static void set(struct acker *a, uint32_t seq, bool value)
{
	uint64_t bit = UINT64_C(1) << seq % 64;

	*word(a, seq) = value ? *word(a, seq) | bit : *word(a, seq) & ~bit;
}

static void settle(struct acker *a)
{
	while (a->next != a->end && has(a, a->next))
		a->next++;
}

/* Nothing before `seq` is wanted. */
static void move_to(struct acker *a, uint32_t seq)
{
	for (; a->next != a->end && seq_before(a->next, seq); a->next++) {
		if (!has(a, a->next)) {
			a->n_missing--;
			a->given_up++;
		}
	}
	if (seq_after(seq, a->end))
		a->next = a->end = seq;
	settle(a);
}

static void mark_arrived(struct acker *a, uint32_t seq)
{
	uint32_t ahead = seq - a->next;

	if (!a->heard) {
		a->heard = true;
		a->first = a->next = a->end = seq;
		ahead = 0;
	}
	if (seq_before(seq, a->next))
		return;
	if (ahead >= ACKER_WINDOW)
		move_to(a, seq - ACKER_WINDOW + 1);
	a->news = true;
	if (seq_before(seq, a->end)) {
		a->n_missing -= !has(a, seq);
		set(a, seq, true);
	} else {
		a->gap = a->gap || seq != a->end;
		a->n_missing += seq - a->end;
		for (; a->end != seq; a->end++)
			set(a, a->end, false);
		set(a, seq, true);
		a->end++;
	}
	settle(a);
}

/* Frames from before the first one that was heard are to be had: what has arrived is not contiguous any more. */
static void move_back(struct acker *a, uint32_t oldest)
{
	if (a->end - oldest > ACKER_WINDOW)
		return;
	for (uint32_t seq = a->first; seq != a->next; seq++)
		set(a, seq, true);
	for (uint32_t seq = oldest; seq != a->first; seq++)
		set(a, seq, false);
	a->n_missing += a->first - oldest;
	a->next = a->first = oldest;
	settle(a);
}

/* ---- what the board says about it ----------------------------------------------------------- */

/* A board that started anew: numbers begin anew, too. */
static void listen_to(struct acker *a, uint32_t session)
{
	if (a->session == session)
		return;
	a->session = session;
	a->begun = a->heard = a->gap = a->news = false;
	a->n_missing = 0;
	a->first = a->next = a->end = a->asked = 0;
	a->at_once = true;
}

static void on_sync(struct acker *a, const ayaprof_Sync *sync)
{
	a->at_once = true;
	if (sync->receiver != a->receiver)
		return;
	if (!a->begun && a->heard && seq_before(sync->oldest_seq, a->first))
		move_back(a, sync->oldest_seq);
	if (!a->heard || seq_after(sync->oldest_seq, a->next))
		move_to(a, sync->oldest_seq);
	a->begun = true;
}

void acker_frame(
	struct acker *a, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	union {
		ayaprof_Hello hello;
		ayaprof_Sync sync;
	} msg;
	bool ours = h->kind == AYP_KIND_HELLO || h->kind == AYP_KIND_SYNC;

	if (ours && ayp_message_decode(a->ctx, h->kind, h->flags, payload, len, &msg))
		ours = false;
	if (ours && (h->kind == AYP_KIND_SYNC || msg.hello.answers))
		listen_to(a, h->session);
	if (h->session != a->session || a->session == 0)
		return;
	mark_arrived(a, h->seq);
	if (h->kind == AYP_KIND_SYNC && ours)
		on_sync(a, &msg.sync);
	if (h->kind == AYP_KIND_GOODBYE)
		a->at_once = true;
}

bool acker_whole(const struct acker *a)
{
	return a->session == 0 || a->n_missing == 0 || (!a->begun && a->asked > ASK_IN_VAIN);
}

bool acker_is_served(const struct acker *a)
{
	return a->session != 0 && a->begun;
}

/* ---- saying it ------------------------------------------------------------------------------ */

static void fill_runs(struct acker *a, ayaprof_Ack *ack)
{
	uint32_t seq = a->next;

	while (seq != a->end && ack->missing_count + 2u <= RUNS_MAX) {
		for (int run = 0; run < 2; run++) {
			uint32_t from = seq;

			while (seq != a->end && has(a, seq) == (run == 1))
				seq++;
			ack->missing[ack->missing_count++] = seq - from;
		}
	}
}

static size_t write_ack(struct acker *a, const ayaprof_Ack *ack, uint8_t *dst)
{
	uint8_t payload[256];
	struct framing_header h = {
		.kind = AYP_KIND_ACK, .session = a->session, .seq = a->own_seq++};
	int len = ayp_message_encode(a->ctx, AYP_KIND_ACK, ack, payload, sizeof(payload), &h.flags);

	if (len < 0)
		return 0;
	a->sent++;
	return a->encode(dst, ACKER_MAX_WIRE, &h, payload, (size_t)len);
}

static bool is_due(const struct acker *a, uint64_t now)
{
	uint64_t passed = now - a->sent_ns;

	if (a->at_once)
		return true;
	if (!a->begun)
		return a->heard && passed >= BEGIN_NS;
	if (a->gap && passed >= GAP_NS)
		return true;
	if (a->budget > 0 &&
		(a->bytes - a->acked_bytes >= EVERY_BYTES || (a->news && passed >= NEWS_NS)))
		return true;
	return passed >= HEARTBEAT_NS;
}

size_t acker_say(struct acker *a, uint8_t *dst, uint64_t now)
{
	ayaprof_Ack ack = {.next_seq = a->next, .receiver = a->receiver, .begin = !a->begun};
	size_t n;

	if (a->session == 0 || !is_due(a, now))
		return 0;
	if (a->begun)
		fill_runs(a, &ack);
	else
		ack.next_seq = a->first;
	n = write_ack(a, &ack, dst);
	a->asked += !a->begun;
	a->at_once = a->gap = a->news = false;
	a->sent_ns = now;
	a->acked_bytes = a->bytes;
	a->budget -= (int64_t)n * 100;
	return n;
}

size_t acker_present(struct acker *a, uint8_t *dst, uint64_t now)
{
	ayaprof_Ack ack = {.receiver = a->receiver, .begin = true};

	if (a->session != 0 || (a->sent_ns && now - a->sent_ns < HEARTBEAT_NS))
		return 0;
	a->sent_ns = now;
	return write_ack(a, &ack, dst);
}

size_t acker_leave(struct acker *a, uint8_t *dst)
{
	ayaprof_Ack ack = {.next_seq = a->next, .receiver = a->receiver, .leaving = true};

	if (a->session == 0 || (!a->begun && !a->asked))
		return 0;
	if (a->begun) {
		fill_runs(a, &ack);
	} else {
		ack.begin = true;
		ack.next_seq = a->first;
	}
	return write_ack(a, &ack, dst);
}
