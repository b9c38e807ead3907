/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * COBS in pieces, for frames that are put together while they are encoded. Internal to framing/.
 *
 * S. Cheshire, M. Baker: Consistent Overhead Byte Stuffing, IEEE/ACM ToN 7(2), 1999.
 */
#ifndef FRAMING_COBS_H
#define FRAMING_COBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COBS_FULL 0xffu /* code of a group of 254 bytes that no zero follows */

struct cobs_writer {
	uint8_t *dst;
	size_t cap;
	size_t at;   /* next byte to write */
	size_t code; /* where the current group's code byte goes */
	bool open;   /* the current group's code byte has its place */
	bool failed; /* dst was too small */
};

void cobs_begin(struct cobs_writer *w, uint8_t *dst, size_t cap);
void cobs_put(struct cobs_writer *w, const uint8_t *src, size_t len);
/* Returns the number of bytes written, 0 if dst was too small. */
size_t cobs_end(struct cobs_writer *w);

#endif
