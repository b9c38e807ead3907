/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One record of a run.pb: field 1 of the protobuf message RecordingFile, a frame body. Tag byte,
 * length as a varint, body (https://protobuf.dev/programming-guides/encoding, "length-delimited").
 */
#ifndef HOST_RECORDING_RECORD_H
#define HOST_RECORDING_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "framing/framing.h"

#define RECORD_TAG      0x0au /* field 1, wire type 2 */
#define RECORD_MAX_HEAD 3u    /* tag, and at most two bytes of length */
#define RECORD_MAX      (RECORD_MAX_HEAD + FRAMING_MAX_BODY)
_Static_assert(FRAMING_MAX_BODY < 1u << 14, "a length must fit two varint bytes");

/* Is there a whole record with a possible length at `at`? Returns its size and where the body is;
 * 0 if not. The body is not checked. */
static inline size_t record_parse(
	const uint8_t *at, size_t have, const uint8_t **body, size_t *body_len)
{
	size_t head = 2, len;

	if (have < RECORD_MAX_HEAD || at[0] != RECORD_TAG)
		return 0;
	len = at[1] & 0x7f;
	if (at[1] & 0x80) {
		if (at[2] & 0x80)
			return 0;
		len |= (size_t)at[2] << 7;
		head = 3;
	}
	if (len < FRAMING_MIN_BODY || len > FRAMING_MAX_BODY || have - head < len)
		return 0;
	*body = at + head;
	*body_len = len;
	return head + len;
}

/* Write tag and length of a body in front of it. Returns the size of the head. */
static inline size_t record_head(uint8_t head[RECORD_MAX_HEAD], size_t body_len)
{
	head[0] = RECORD_TAG;
	if (body_len < 0x80) {
		head[1] = (uint8_t)body_len;
		return 2;
	}
	head[1] = (uint8_t)(body_len & 0x7f) | 0x80;
	head[2] = (uint8_t)(body_len >> 7);
	return 3;
}

#endif
