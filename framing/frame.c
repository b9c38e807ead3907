/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "framing/framing.h"
#include "framing/bytes.h"
#include "framing/cobs.h"

static void put_header(uint8_t dst[FRAMING_HEADER_SIZE], const struct framing_header *header)
{
	dst[0] = header->kind;
	dst[1] = header->flags;
	put_le32(dst + 2, header->session);
	put_le32(dst + 6, header->seq);
}

size_t framing_body_write(uint8_t *dst, size_t cap, const struct framing_header *header,
	const uint8_t *payload, size_t len)
{
	if (len > FRAMING_MAX_PAYLOAD || cap < FRAMING_MIN_BODY + len)
		return 0;
	put_header(dst, header);
	for (size_t i = 0; i < len; i++)
		dst[FRAMING_HEADER_SIZE + i] = payload[i];
	put_le32(
		dst + FRAMING_HEADER_SIZE + len, framing_crc32c(0, dst, FRAMING_HEADER_SIZE + len));
	return FRAMING_MIN_BODY + len;
}

bool framing_body_parse(const uint8_t *body, size_t len, struct framing_header *header,
	const uint8_t **payload, size_t *payload_len)
{
	if (len < FRAMING_MIN_BODY || len > FRAMING_MAX_BODY)
		return false;
	if (framing_crc32c(0, body, len - FRAMING_CRC_SIZE) !=
		get_le32(body + len - FRAMING_CRC_SIZE))
		return false;
	header->kind = body[0];
	header->flags = body[1];
	header->session = get_le32(body + 2);
	header->seq = get_le32(body + 6);
	*payload = body + FRAMING_HEADER_SIZE;
	*payload_len = len - FRAMING_MIN_BODY;
	return true;
}

size_t framing_encode(uint8_t *dst, size_t cap, const struct framing_header *header,
	const uint8_t *payload, size_t len)
{
	uint8_t head[FRAMING_HEADER_SIZE], check[FRAMING_CRC_SIZE];
	struct cobs_writer w;
	size_t n;

	if (len > FRAMING_MAX_PAYLOAD || cap < 2)
		return 0;
	put_header(head, header);
	put_le32(check, framing_crc32c(framing_crc32c(0, head, sizeof(head)), payload, len));
	cobs_begin(&w, dst + 1, cap - 2);
	cobs_put(&w, head, sizeof(head));
	cobs_put(&w, payload, len);
	cobs_put(&w, check, sizeof(check));
	n = cobs_end(&w);
	if (n == 0)
		return 0;
	dst[0] = 0;
	dst[1 + n] = 0;
	return n + 2;
}
