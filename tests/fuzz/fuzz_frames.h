/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Any bytes as frames: KIND FLAGS SESSION LEN(2) payload, again and again. */
#ifndef TESTS_FUZZ_FRAMES_H
#define TESTS_FUZZ_FRAMES_H

#include <stdbool.h>
#include <stdlib.h>

#include "framing/framing.h"

#define FUZZ_FRAME_HEAD 5u

struct fuzz_frames {
	const uint8_t *at, *end;
	struct framing_header header;
	const uint8_t *payload;
	size_t len;
	uint32_t seq;
};

/* The next one; false: that was all. */
static inline bool fuzz_frames_next(struct fuzz_frames *f)
{
	size_t left = (size_t)(f->end - f->at);

	if (left < FUZZ_FRAME_HEAD)
		return false;
	f->header = (struct framing_header){
		.kind = f->at[0], .flags = f->at[1], .session = f->at[2], .seq = f->seq++};
	f->len = (size_t)f->at[3] | (size_t)(f->at[4] & 0x0f) << 8;
	if (f->len > left - FUZZ_FRAME_HEAD)
		f->len = left - FUZZ_FRAME_HEAD;
	f->payload = f->at + FUZZ_FRAME_HEAD;
	f->at = f->payload + f->len;
	return true;
}

/* struct trace_memory's. */
static inline void *fuzz_resize(void *ctx, void *old, size_t size)
{
	if (!size) {
		free(old);
		return NULL;
	}
	return realloc(old, size);
}

#endif
