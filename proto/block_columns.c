/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "proto/block.h"
#include "proto/columns.h"

/* Room to find out how large a block came out that does not fit the caller's. */
#define PACKED_ROOM 65536u

static size_t encoder_size(void)
{
	return PACKED_ROOM + columns_encoder_size();
}

static bool encoder_init(void *mem, uint64_t group_bytes)
{
	(void)group_bytes; /* every block stands alone */
	return columns_encoder_init((uint8_t *)mem + PACKED_ROOM);
}

/* How many events to try after n of them made `size` bytes (0: more than there is room for). */
static uint32_t fewer(uint32_t n, size_t size, size_t cap)
{
	uint32_t next = size ? (uint32_t)((uint64_t)n * cap / size) : n / 2;

	next -= next / 16; /* fewer events compress a little worse each */
	if (next >= n)
		next = n - 1;
	return next < 1 ? 1 : next;
}

static size_t encode(void *mem, const struct ayp_event *events, uint32_t n, uint8_t *dst,
	size_t cap, uint16_t *order, uint32_t *taken)
{
	uint8_t *packed = mem;
	size_t size;

	for (;;) {
		size = columns_encode(packed + PACKED_ROOM, events, n, packed, PACKED_ROOM);
		if ((size && size <= cap) || n == 1)
			break; /* one always fits AYP_BLOCK_MIN_CAP */
		n = fewer(n, size, cap);
	}
	memcpy(dst, packed, size);
	for (uint32_t i = 0; i < n; i++)
		order[i] = (uint16_t)i;
	*taken = n;
	return size;
}

const struct ayp_codec ayp_codec_columns = {
	.id = AYP_CODEC_COLUMNS,
	.name = "columns",
	.encoder_size = encoder_size,
	.encoder_init = encoder_init,
	.encode = encode,
	.decoder_size = columns_decoder_size,
	.decoder_init = columns_decoder_init,
	.decode = columns_decode,
};
