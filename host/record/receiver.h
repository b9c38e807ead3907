/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bytes of a line in; frames, console text and damage out, in the order of the line. What can be
 * restored of damaged segments is (host/salvage/salvage.h). Frames as lines of text (framing/textframe.h) are
 * taken out of the bytes before; what stands around them is judged as if they were delimiters.
 */
#ifndef HOST_RECEIVER_H
#define HOST_RECEIVER_H

#include "host/salvage/salvage.h"
#include "framing/textframe.h"

/* A frame with some kilobytes of console text in it. */
#define RECEIVER_SEGMENT 16383u

/* Text in a frame that is a line of text. */
#define RECEIVER_TEXT 8192u

struct receiver_frame {
	struct framing_header header;
	const uint8_t *payload, *body;
	size_t payload_len, body_len;
	bool repaired; /* one or two bits of the line were wrong */
	bool text;     /* it came as a line of text */
};

/* 0, or a negative errno that ends the work on the bytes given. */
struct receiver_ops {
	int (*frame)(void *ctx, const struct receiver_frame *f);
	int (*text)(void *ctx, const uint8_t *text, size_t len);
	/* Bytes that are nothing; `first`: of their segment. */
	int (*damage)(void *ctx, size_t len, bool first);
	salvage_plausible plausible;
};

struct receiver {
	const struct receiver_ops *ops;
	void *ctx;
	struct deframer deframer;
	struct salvage salvage;
	bool as_is;       /* restore nothing */
	bool damage_told; /* of the segment that is being received */
	/* The damaged segment before, if one delimiter is all that stands behind it. */
	uint8_t before[FRAMING_MAX_SEGMENT];
	size_t before_len;
	/* A segment that may be text in some character set: it is, if no frame is missing there. */
	uint8_t doubtful[FRAMING_MAX_SEGMENT];
	size_t doubtful_len;
	struct framing_header last; /* of the frame before */
	bool heard;                 /* there is one */
	uint8_t mem[DEFRAMER_MEM(RECEIVER_SEGMENT)];
	uint8_t salvage_mem[SALVAGE_MEM];
	struct salvage_lines lines;
	struct salvage_pairs pairs;
	struct textframe textframe;
	uint8_t text_mem[TEXTFRAME_MEM(TEXTFRAME_MAX_WIRE + RECEIVER_TEXT)];
};

void receiver_init(struct receiver *r, const struct receiver_ops *ops, void *ctx);
int receiver_bytes(struct receiver *r, const uint8_t *data, size_t len);
/* Nothing has come for a moment: text that waits for its end is handed out. */
int receiver_idle(struct receiver *r);
/* The line is gone, or the input at its end: what was waiting is judged as it stands. */
int receiver_finish(struct receiver *r);

#endif
