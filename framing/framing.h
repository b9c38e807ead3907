/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames on a byte line: 00 | COBS( header | payload | CRC-32C ) | 00.
 *
 * Pure C without heap, operating system or global state; every buffer is the caller's. The format
 * is specified in proto/PROTOCOL.md, section "Framing". A *body* below is header | payload | CRC
 * before COBS: what a recording stores and what a deframer hands out.
 */
#ifndef FRAMING_FRAMING_H
#define FRAMING_FRAMING_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#define FRAMING_HEADER_SIZE 10u /* kind, flags, session (LE32), sequence number (LE32) */
#define FRAMING_CRC_SIZE    4u
#define FRAMING_MAX_PAYLOAD 4096u
#define FRAMING_MIN_BODY    (FRAMING_HEADER_SIZE + FRAMING_CRC_SIZE)
#define FRAMING_MAX_BODY    (FRAMING_MIN_BODY + FRAMING_MAX_PAYLOAD)
/* Upper bounds of what n bytes become: inside COBS, and as a frame with both delimiters. */
#define FRAMING_COBS_BOUND(n)       ((n) + (n) / 254u + 1u)
#define FRAMING_WIRE_BOUND(payload) (FRAMING_COBS_BOUND(FRAMING_MIN_BODY + (payload)) + 2u)
#define FRAMING_MAX_WIRE            FRAMING_WIRE_BOUND(FRAMING_MAX_PAYLOAD)
/* The longest frame between its delimiters. */
#define FRAMING_MAX_SEGMENT FRAMING_COBS_BOUND(FRAMING_MAX_BODY)

struct framing_header {
	uint8_t kind;     /* message kind, proto/ayaprof.proto; opaque here */
	uint8_t flags;    /* AYP_FLAG_* of proto/message.h; opaque here */
	uint32_t session; /* random per start of the sender */
	uint32_t seq;     /* counts frames of one session from 0, wraps */
};

/* CRC-32C (Castagnoli, RFC 3720 B.4): start with crc = 0, chain over pieces. */
#define FRAMING_CRC_POLYNOMIAL 0x82f63b78u /* reflected: what a 1 that leaves the register is */
uint32_t framing_crc32c(uint32_t crc, const void *data, size_t len);

/* COBS. Return the number of bytes written to dst, or 0 if dst is too small or src malformed.
 * Encoding an empty input gives one byte. dst and src may not overlap for encoding; decoding may
 * be in place (dst == src). */
size_t framing_cobs_encode(uint8_t *dst, size_t cap, const uint8_t *src, size_t len);
size_t framing_cobs_decode(uint8_t *dst, size_t cap, const uint8_t *src, size_t len);

/* Write header | payload | CRC to dst. Returns the size of the body, 0 if it does not fit cap or
 * len exceeds FRAMING_MAX_PAYLOAD. */
size_t framing_body_write(uint8_t *dst, size_t cap, const struct framing_header *header,
	const uint8_t *payload, size_t len);

/* Check a body and split it: *payload points into body. False if too short, too long or the CRC
 * does not match; outputs are then untouched. */
bool framing_body_parse(const uint8_t *body, size_t len, struct framing_header *header,
	const uint8_t **payload, size_t *payload_len);

/* A whole frame with both delimiters, ready for the line. Returns its size, 0 if it does not fit
 * (FRAMING_WIRE_BOUND(len) always does) or len exceeds FRAMING_MAX_PAYLOAD. */
size_t framing_encode(uint8_t *dst, size_t cap, const struct framing_header *header,
	const uint8_t *payload, size_t len);

/* Writes a whole frame in some form; see framing_encode and textframe_encode. */
typedef size_t framing_encoder(uint8_t *dst, size_t cap, const struct framing_header *header,
	const uint8_t *payload, size_t len);

/* ---- receiving ---------------------------------------------------------------------------- */

/* What one more byte completed. A segment is what stands between two delimiters (00). */
enum deframer_outcome {
	DEFRAMER_MORE,    /* nothing yet */
	DEFRAMER_FRAME,   /* a valid frame: header, payload, body are set */
	DEFRAMER_TEXT,    /* raw, raw_len: console text, bytes exactly as they came */
	DEFRAMER_DAMAGED, /* raw, raw_len: neither frame nor text; damage says why */
};

enum deframer_damage {
	DEFRAMER_DAMAGE_NONE,
	DEFRAMER_DAMAGE_COBS,     /* not a COBS sequence */
	DEFRAMER_DAMAGE_SHORT,    /* shorter than a header and a CRC */
	DEFRAMER_DAMAGE_CRC,      /* check failed */
	DEFRAMER_DAMAGE_OVERSIZE, /* longer than any frame; handed out in pieces */
};

/*
 * Byte-fed receiver. Holds at most one segment, in the caller's memory, which must outlive it. All
 * pointers it hands out are valid until the next push, take_text, finish or init.
 *
 * Text is told from damage by content: well-formed UTF-8 without control characters other than
 * BEL BS TAB LF VT FF CR ESC. A long text without a delimiter is handed out in pieces; a UTF-8
 * sequence may be cut by a piece boundary.
 */
struct deframer {
	/* outputs */
	struct framing_header header;
	const uint8_t *payload;
	size_t payload_len;
	const uint8_t *body; /* header | payload | CRC, as a recording stores it */
	size_t body_len;
	const uint8_t *raw;
	size_t raw_len;
	enum deframer_damage damage;
	/* state, private */
	uint8_t *segment, *decoded;
	size_t cap; /* of each */
	size_t fill;
	bool oversize; /* pieces of the current segment were handed out already */
};

/* Memory for segments of up to so many bytes; longer ones are handed out in pieces of one byte
 * more. To hear any frame: FRAMING_MAX_SEGMENT. */
#define DEFRAMER_MEM(segment) (2u * ((segment) + 1u))
/* mem: size bytes, DEFRAMER_MEM of something. */
void deframer_init(struct deframer *d, uint8_t *mem, size_t size);
enum deframer_outcome deframer_push(struct deframer *d, uint8_t byte);

/* The bytes waiting in an unfinished segment, and how many of them a caller that has heard nothing
 * for a while may take as text (up to and including the last line feed when all of them are text;
 * otherwise 0). deframer_take_text removes and returns them through raw, raw_len. */
size_t deframer_text_waiting(const struct deframer *d);
enum deframer_outcome deframer_take_text(struct deframer *d);

/* End of input: what a delimiter would give now, MORE if nothing waits. (A frame whose last
 * delimiter was cut off is a FRAME: its CRC says so.) */
enum deframer_outcome deframer_finish(struct deframer *d);

#endif
