/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames to the board, over a link that may take its time or be gone: at most a few are kept, in
 * order. What does not fit is not sent; who sends must cope, for the line may lose it anyway.
 */
#ifndef HOST_BACK_H
#define HOST_BACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/link/link.h"

#define BACK_SIZE 4096u

struct back {
	uint8_t bytes[BACK_SIZE];
	size_t at, len; /* waiting: bytes[at .. len) */
	uint64_t sent;  /* bytes the link took, ever */
};

/* False: no room now, nothing is queued. */
bool back_send(struct back *b, const uint8_t *frame, size_t len);
/* Give the link what it takes. */
void back_flush(struct back *b, struct link *l);
bool back_waits(const struct back *b);
/* The link is gone, and with it what was on its way. */
void back_forget(struct back *b);

#endif
