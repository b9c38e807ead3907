/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A payload of any bytes: kind, flags, payload. What decodes can be sent again and decodes to the
 * same; strings end inside their fields.
 */
#include <string.h>

#include "proto/message.h"
#include "tests/fuzz/fuzz.h"

#include <pb_common.h>

static void check_strings(const pb_msgdesc_t *fields, void *msg)
{
	pb_field_iter_t it;

	if (!pb_field_iter_begin(&it, fields, msg))
		return;
	do {
		size_t n = PB_HTYPE(it.type) == PB_HTYPE_REPEATED ? *(pb_size_t *)it.pSize : 1;

		MUST(PB_HTYPE(it.type) != PB_HTYPE_REPEATED || n <= it.array_size);
		if (PB_HTYPE(it.type) == PB_HTYPE_ONEOF && *(pb_size_t *)it.pSize != it.tag)
			continue;
		for (size_t i = 0; i < n; i++) {
			char *p = (char *)it.pField + i * it.data_size;

			if (PB_LTYPE(it.type) == PB_LTYPE_STRING)
				MUST(memchr(p, 0, it.data_size));
			else if (PB_LTYPE(it.type) == PB_LTYPE_SUBMESSAGE)
				check_strings(it.submsg_desc, p);
		}
	} while (pb_field_iter_next(&it));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(max_align_t) uint8_t first[sizeof(ayaprof_Envelope)],
		second[sizeof(ayaprof_Envelope)];
	static uint8_t payload[AYP_MAX_MESSAGE], again[AYP_MAX_MESSAGE];
	static struct ayp_message_ctx *ctx;
	const struct ayp_kind_info *kind;
	uint8_t flags;
	int n, err;

	if (!ctx)
		ctx = ayp_message_ctx_new();
	if (!ctx || size < 2)
		return 0;
	kind = ayp_kind_info(data[0]);
	err = ayp_message_decode(ctx, data[0], data[1], data + 2, size - 2, first);
	MUST((err == -2) == (kind == NULL));
	if (err)
		return 0;
	check_strings(kind->fields, first);
	n = ayp_message_encode(ctx, kind->kind, first, payload, sizeof(payload), &flags);
	if (n < 0) /* numbers written in fewer bytes than ours can make it larger than is allowed */
		return 0;
	MUST(ayp_message_decode(ctx, kind->kind, flags, payload, (size_t)n, second) == 0);
	MUST(ayp_message_encode(ctx, kind->kind, second, again, sizeof(again), &flags) == n);
	MUST(memcmp(again, payload, (size_t)n) == 0);
	return 0;
}
