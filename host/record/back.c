/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/back.h"

#include <string.h>

bool back_send(struct back *b, const uint8_t *frame, size_t len)
{
	if (b->at && b->len + len > sizeof(b->bytes)) {
		memmove(b->bytes, b->bytes + b->at, b->len - b->at);
		b->len -= b->at;
		b->at = 0;
	}
	if (b->len + len > sizeof(b->bytes))
		return false;
	memcpy(b->bytes + b->len, frame, len);
	b->len += len;
	return true;
}

void back_flush(struct back *b, struct link *l)
{
	while (b->at < b->len) {
		ssize_t n = link_write(l, b->bytes + b->at, b->len - b->at);

		if (n <= 0)
			return; /* reading tells whether the other end is gone */
		b->at += (size_t)n;
		b->sent += (uint64_t)n;
	}
	b->at = b->len = 0;
}

bool back_waits(const struct back *b)
{
	return b->at < b->len;
}

void back_forget(struct back *b)
{
	b->at = b->len = 0;
}
