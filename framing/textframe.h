/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames as printable lines, for a line with a login on it or one that does not carry eight bits:
 *
 *   ~{ | base64( header | payload | CRC-32C ) | }~ LF
 *
 * PROTOCOL.md, section 2, "Text frames". Whatever else the line carries is passed on, in order and
 * unchanged: console text, and frames between delimiters.
 *
 * Pure C without heap; memory is the caller's.
 */
#ifndef FRAMING_TEXTFRAME_H
#define FRAMING_TEXTFRAME_H

#include "framing/framing.h"

#define TEXTFRAME_CHARS(body)    (((body)*4u + 2u) / 3u)
#define TEXTFRAME_BOUND(payload) (TEXTFRAME_CHARS(FRAMING_MIN_BODY + (payload)) + 5u)
#define TEXTFRAME_MAX_WIRE       TEXTFRAME_BOUND(FRAMING_MAX_PAYLOAD)

/* A whole frame with its line end. Returns its size, 0 if it does not fit (TEXTFRAME_BOUND(len)
 * always does) or len exceeds FRAMING_MAX_PAYLOAD. */
size_t textframe_encode(uint8_t *dst, size_t cap, const struct framing_header *header,
	const uint8_t *payload, size_t len);

/* ---- receiving ---------------------------------------------------------------------------- */

enum textframe_state {
	/* at the start, or behind a frame given up: what comes may be the end of one */
	TEXTFRAME_TAIL,
	TEXTFRAME_PLAIN,  /* not in a frame */
	TEXTFRAME_MARK,   /* ~ */
	TEXTFRAME_SPLIT,  /* ~ and text: somebody writes between it and { */
	TEXTFRAME_INSIDE, /* ~{ and characters of the alphabet */
	TEXTFRAME_BROKEN, /* and others: somebody writes into the frame */
	TEXTFRAME_ENDED,  /* }~ : its line end follows */
	TEXTFRAME_OWED,   /* }~ and text: it still does */
};

/*
 * Byte-fed receiver, in front of a deframer. It holds back what may become a frame, with the text
 * that another writer put into it. Outputs are valid until the next push, idle, finish or init.
 */
struct textframe {
	/* outputs, in this order on the line */
	const uint8_t *pass; /* bytes that are of no text frame */
	size_t pass_len;
	size_t bad_len; /* bytes of a damaged text frame; 0: none */
	bool bad_first; /* of that frame, they are the first ones */
	bool frame;     /* a valid frame: */
	bool joined;    /* text stood in it */
	struct framing_header header;
	const uint8_t *payload, *body;
	size_t payload_len, body_len;
	/* state, private */
	uint8_t *held, *out, *plain;
	size_t cap;  /* of each */
	size_t fill; /* of held: what came behind the marker */
	size_t text; /* in it, where the first character stands that is not the frame's */
	/* in it, where the marker's second character stood: behind text that split it */
	size_t brace;
	enum textframe_state state;
	bool closing;         /* the last byte was }, not in held yet */
	bool line_end;        /* OWED: the last byte was LF */
	bool given_up;        /* the frame that TEXTFRAME_TAIL is behind has been counted */
	unsigned int returns; /* CR behind the end */
};

/* Memory to hold back so many bytes; TEXTFRAME_MAX_WIRE and some text to hear any frame. */
#define TEXTFRAME_MEM(held) (3u * (held))
/* mem: size bytes, TEXTFRAME_MEM of something. */
void textframe_init(struct textframe *t, uint8_t *mem, size_t size);

/* A byte that may go on at once, as it is. */
static inline bool textframe_passes(const struct textframe *t, uint8_t byte)
{
	return t->state == TEXTFRAME_PLAIN && byte != '~';
}

/* True: there are outputs. */
bool textframe_push(struct textframe *t, uint8_t byte);
/* Nothing has come for a moment: what is not clearly a frame is handed out. */
bool textframe_idle(struct textframe *t);
/* The end of input, or the line was gone: all is. */
bool textframe_finish(struct textframe *t);

#endif
