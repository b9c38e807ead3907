/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/salvage/attempt.h"

bool salvage_spend(struct salvage *s, uint64_t steps)
{
	if (*s->purse < steps)
		return false;
	*s->purse -= steps;
	return true;
}

bool salvage_leads_to_end(struct salvage *s, size_t at, size_t len)
{
	while (at < len && salvage_spend(s, 1)) {
		if (s->plain[at] == 0)
			return false;
		at += s->plain[at];
	}
	return at == len;
}

bool salvage_body_is_frame(struct salvage *s, size_t len, enum salvage_way way)
{
	struct framing_header header;
	const uint8_t *payload;
	size_t payload_len;

	if (!framing_body_parse(s->body_mem, len, &header, &payload, &payload_len) ||
		!s->plausible(s->ctx, &header, way))
		return false;
	s->header = header;
	s->payload = payload;
	s->payload_len = payload_len;
	s->body = s->body_mem;
	s->body_len = len;
	return true;
}

bool salvage_try(struct salvage *s, size_t len, enum salvage_way way)
{
	size_t n;

	if (len > FRAMING_MAX_SEGMENT || !salvage_spend(s, 4 * len))
		return false;
	n = framing_cobs_decode(s->body_mem, FRAMING_MAX_SEGMENT + 1, s->plain, len);
	return n && salvage_body_is_frame(s, n, way);
}
