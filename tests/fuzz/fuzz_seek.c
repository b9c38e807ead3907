/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A trace from the middle, by a digest and a state that somebody may have changed.
 *
 * Input: how many changes; PLACE(2) VALUE of each, in digest and state one behind the other; frames as
 * in fuzz_trace.c. The frames are read whole first, which gives digest and states; then a part of
 * them, behind the newest state. Without changes both agree.
 */
#include <stdlib.h>
#include <string.h>

#include "host/trace/trace.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_frames.h"

#define MAX_CHANGES 8u

struct reading {
	struct trace *t;
	uint64_t events, losses;
};

struct kept {
	struct trace_point point;
	uint8_t *state;
	uint8_t *digest;
	size_t digest_len;
	uint16_t session;
	bool any;
};

static void on_event(void *ctx, const struct trace_event *e)
{
	struct reading *r = ctx;

	MUST(e->session < trace_session_count(r->t) && e->func < trace_func_count(r->t));
	r->events++;
}

static void on_call(void *ctx, const struct trace_call *c)
{
	struct reading *r = ctx;

	MUST(c->session < trace_session_count(r->t) && trace_func(r->t, c->func)->name[0]);
}

static void on_segment(void *ctx, const struct trace_segment *s)
{
	MUST(s->session < trace_session_count(((struct reading *)ctx)->t));
}

static void on_loss(void *ctx, const struct trace_loss *l)
{
	struct reading *r = ctx;

	MUST(l->session < trace_session_count(r->t) && l->cause < LEDGER_CAUSES);
	r->losses += l->count;
}

static void begin(struct reading *r)
{
	static const struct trace_sink sink = {
		.event = on_event, .call = on_call, .segment = on_segment, .loss = on_loss};
	struct trace_config config = {.memory = {fuzz_resize, NULL},
		.sink = &sink,
		.sink_ctx = r,
		.points = true,
		.secret = UINT64_C(0xd1342543de82ef95)};

	*r = (struct reading){0};
	MUST(trace_new(&r->t, &config) == 0);
}

static void keep_point(struct reading *r, struct kept *k)
{
	for (uint16_t i = 0; i < trace_session_count(r->t) && i < 4; i++) {
		struct trace_point p;

		if (trace_point(r->t, i, &p) != 1)
			continue;
		k->state = realloc(k->state, p.state_len + 1);
		memcpy(k->state, p.state, p.state_len);
		k->point = p;
		k->session = i;
		k->any = true;
	}
}

enum pass { LEARN, LEARN_OTHERS, GIVE };

static void frames(
	struct reading *r, const uint8_t *src, size_t size, enum pass pass, struct kept *k)
{
	struct fuzz_frames f = {.at = src, .end = src + size};

	while (fuzz_frames_next(&f)) {
		trace_place(r->t, (uint64_t)(f.payload - FUZZ_FRAME_HEAD - src),
			(uint64_t)(f.at - src));
		if (pass == GIVE)
			MUST(trace_frame(r->t, &f.header, f.payload, f.len) == 0);
		else if (pass == LEARN || f.header.kind != AYP_KIND_EVENTS)
			MUST(trace_learn(r->t, &f.header, f.payload, f.len) == 0);
		if (k && f.seq % 4 == 0)
			keep_point(r, k);
	}
}

static uint64_t read_whole(const uint8_t *src, size_t size, struct kept *k)
{
	const uint8_t *digest;
	struct reading r;

	begin(&r);
	frames(&r, src, size, LEARN, NULL);
	MUST(trace_learned(r.t) == 0);
	frames(&r, src, size, GIVE, k);
	MUST(trace_end(r.t) == 0);
	if (trace_digest(r.t, &digest, &k->digest_len) == 1) {
		k->digest = malloc(k->digest_len + 1);
		memcpy(k->digest, digest, k->digest_len);
	}
	trace_free(r.t);
	return r.losses;
}

static void read_part(
	const uint8_t *src, size_t size, struct kept *k, uint64_t losses, bool changed)
{
	struct reading r;
	int err;

	begin(&r);
	k->point.state = k->state;
	err = trace_know_digest(r.t, k->digest, k->digest_len);
	MUST(changed || !err);
	if (!err) {
		frames(&r, src, size, LEARN_OTHERS, NULL);
		MUST(trace_learned(r.t) == 0);
		err = k->any && k->session < trace_session_count(r.t)
			      ? trace_resume(r.t, k->session, &k->point, NULL)
			      : 0;
		MUST(changed || !err);
	}
	if (!err) {
		frames(&r, src, size, GIVE, NULL);
		for (uint16_t i = 0; i < trace_session_count(r.t); i++)
			(void)trace_give_ended(r.t, i, NULL);
		MUST(trace_end(r.t) == 0);
		MUST(changed || r.losses == losses);
	}
	trace_free(r.t);
}

static void change(struct kept *k, const uint8_t *by, size_t n)
{
	for (; n--; by += 3) {
		size_t at = ((size_t)by[0] | (size_t)by[1] << 8) %
			    (k->digest_len + k->point.state_len + 1);

		if (at < k->digest_len)
			k->digest[at] = by[2];
		else if (at - k->digest_len < k->point.state_len)
			k->state[at - k->digest_len] = by[2];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kept k = {.any = false};
	size_t changes = size ? data[0] % MAX_CHANGES : 0, head = 1 + 3 * changes;
	uint64_t losses;

	if (size < head)
		return 0;
	losses = read_whole(data + head, size - head, &k);
	if (k.digest) {
		change(&k, data + 1, changes);
		read_part(data + head, size - head, &k, losses, changes != 0);
	}
	free(k.digest);
	free(k.state);
	return 0;
}
