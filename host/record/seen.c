/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/seen.h"

#include <string.h>

void seen_init(struct seen *s)
{
	memset(s, 0, sizeof(*s));
}

static struct seen_session *session_get(struct seen *s, const struct framing_header *h)
{
	struct seen_session *oldest = s->sessions;

	for (size_t i = 0; i < SEEN_SESSIONS; i++) {
		struct seen_session *x = &s->sessions[i];

		if (x->used && x->session == h->session)
			return x;
		if (!x->used || (oldest->used && x->touched < oldest->touched))
			oldest = x;
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->used = true;
	oldest->session = h->session;
	oldest->newest = h->seq - 1;
	return oldest;
}

bool seen_frame(struct seen *s, const struct framing_header *h)
{
	struct seen_session *x = session_get(s, h);
	uint32_t ahead = h->seq - x->newest;
	uint64_t *word = &x->bits[h->seq % SEEN_WINDOW / 64], bit = UINT64_C(1) << h->seq % 64;

	x->touched = ++s->clock;
	if (ahead - 1 < UINT32_MAX / 2) { /* newer than all before */
		if (ahead >= SEEN_WINDOW) {
			memset(x->bits, 0, sizeof(x->bits));
		} else {
			for (uint32_t seq = x->newest + 1; seq != h->seq; seq++)
				x->bits[seq % SEEN_WINDOW / 64] &= ~(UINT64_C(1) << seq % 64);
		}
		x->newest = h->seq;
		*word |= bit;
		return false;
	}
	if (x->newest - h->seq >= SEEN_WINDOW)
		return false; /* too long ago to know */
	if (*word & bit)
		return true;
	*word |= bit;
	return false;
}

bool seen_expects(const struct seen *s, const struct framing_header *h)
{
	for (size_t i = 0; i < SEEN_SESSIONS; i++) {
		const struct seen_session *x = &s->sessions[i];
		uint32_t ahead = h->seq - x->newest;

		if (!x->used || x->session != h->session)
			continue;
		if (ahead - 1 < SEEN_NEAR)
			return true;
		return x->newest - h->seq < SEEN_NEAR &&
		       !(x->bits[h->seq % SEEN_WINDOW / 64] >> h->seq % 64 & 1);
	}
	return false;
}

bool seen_is_late(const struct seen *s, const struct framing_header *h)
{
	for (size_t i = 0; i < SEEN_SESSIONS; i++) {
		const struct seen_session *x = &s->sessions[i];

		if (x->used && x->session == h->session)
			return x->newest - h->seq - 1 < SEEN_WINDOW;
	}
	return false;
}

bool seen_payload(struct seen *s, const struct framing_header *h, const uint8_t *payload,
	size_t len, uint64_t now_ns)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ h->kind ^ (uint64_t)h->flags << 8;
	uint32_t crc = framing_crc32c(0, payload, len);
	struct seen_payload *p;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ payload[i]) * UINT64_C(0x100000001b3);
	p = &s->payloads[(hash ^ hash >> 32) % SEEN_PAYLOADS];
	if (p->used && p->hash == hash && p->session == h->session && p->crc == crc &&
		p->len == len && now_ns - p->at_ns < SEEN_AGAIN_NS)
		return true;
	*p = (struct seen_payload){
		.used = true,
		.hash = hash,
		.at_ns = now_ns,
		.session = h->session,
		.crc = crc,
		.len = (uint32_t)len,
	};
	return false;
}
