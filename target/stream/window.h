/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames that were put on the line and may have to be put there again: PROTOCOL.md, section 14.
 *
 * Frames are kept as they were sent, in the order of their numbers, in bounded memory, of which no
 * more is touched than was ever needed at once. Those that were acknowledged leave from the oldest
 * on. On a line without acknowledgements the oldest give way to new ones, so that a host that
 * answers later can still have the last of them.
 *
 *   numbers    first                          end          slots[number % WINDOW_FRAMES] has the rest
 *                |  ACKED  LOST  SENT ... SENT |
 *   memory     head                           tail    extent    size
 *     |free      |=============================|  free  |untouched|
 *   or, wrapped:
 *     |====tail  free  head=====|  (unused)     extent
 */
#ifndef TARGET_WINDOW_H
#define TARGET_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

/* Frames at once; a power of two. A host looks back further than this (host/record/seen.h). */
#define WINDOW_FRAMES 2048u
/* Of these, and of the bytes, so much is left for what must go out when the window is full. */
#define WINDOW_SPARE_FRAMES 64u
#define WINDOW_SPARE_BYTES  4096u
#define WINDOW_MIN_SIZE     (16u << 10)
#define WINDOW_EXTENT       (64u << 10) /* of the part in use, at first */

enum window_state { WINDOW_SENT, WINDOW_ACKED, WINDOW_LOST };

struct window_slot {
	uint32_t at;    /* in mem */
	uint32_t after; /* the next new frame's number when this one was last sent */
	uint16_t len;
	uint8_t state; /* enum window_state */
};

struct window {
	uint8_t *mem;
	size_t size;         /* of mem */
	size_t extent;       /* of the part in use: grows when it is full, never shrinks */
	size_t head, tail;   /* bytes: where the oldest kept frame begins, and after the newest */
	uint32_t first, end; /* numbers of these two; equal: none is kept */
	uint32_t lost;       /* how many are in state WINDOW_LOST */
	uint32_t resend_at;  /* no frame before this one is WINDOW_LOST */
	uint64_t acked;      /* frames, ever: grows with every progress */
	struct window_slot slots[WINDOW_FRAMES];
};

/* 0, -EINVAL (size below WINDOW_MIN_SIZE) or -ENOMEM. */
int window_init(struct window *w, size_t size);
void window_free(struct window *w);

/* May a frame of up to `len` bytes be added? `spare`: also from what is kept back. */
bool window_has_room(const struct window *w, size_t len, bool spare);
/* Forget the oldest frames, arrived or not, until there is room within the first `limit` bytes. */
void window_make_room(struct window *w, size_t len, size_t limit);
/* Keep a frame of 1 to 65535 bytes; its number is w->end, which grows by one. There must be room,
 * also from what is kept back. */
void window_add(struct window *w, const uint8_t *wire, size_t len);

/* What a host says it has. Returns 0, or -EINVAL for one that says what cannot be; nothing is then
 * changed. *gone: it waits for frames that are not kept any more. */
int window_acknowledge(struct window *w, const ayaprof_Ack *ack, bool *gone);
/* The oldest frame that was lost on the line: its bytes, valid until the next call that changes the
 * window; it counts as sent now. NULL: there is none. */
const uint8_t *window_resend(struct window *w, size_t *len);
/* The newest frame once more, whatever has become of it; NULL: none is kept. */
const uint8_t *window_resend_newest(struct window *w, size_t *len);
/* Has a frame been sent again since the newest one was sent for the first time? */
bool window_resent_since_newest(const struct window *w);

/* None is kept: all that was sent has been acknowledged, or forgotten. */
bool window_is_empty(const struct window *w);
/* Everything before `seq` is wanted by nobody any more. */
void window_forget_before(struct window *w, uint32_t seq);

#endif
