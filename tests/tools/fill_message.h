/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Fill any message from its descriptor: every field of every kind gets a value that is not its
 * default, without a list of fields to keep up to date. Same input, same message.
 */
#ifndef TESTS_TOOLS_FILL_MESSAGE_H
#define TESTS_TOOLS_FILL_MESSAGE_H

#include <stdint.h>
#include <string.h>

#include <pb_common.h>

#include "proto/message.h"

struct fill {
	uint64_t state;      /* of the value generator; any start */
	unsigned int repeat; /* entries of a repeated field; its maximum if that is less */
	unsigned int choice; /* which member of a oneof: 0 is the first, wraps */
	unsigned int
		later; /* also fields that the first golden vectors of their message have not */
};

static inline uint64_t fill_next(struct fill *f)
{
	/* splitmix64 (Steele, Lea, Flood 2014); widths vary so that varints of all lengths occur */
	uint64_t z = f->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (z >> (z & 63)) | 1;
}

static inline void fill_message(struct fill *f, const pb_msgdesc_t *fields, void *msg);

static inline void fill_value(struct fill *f, const pb_field_iter_t *it, void *p)
{
	uint64_t v = fill_next(f);

	switch (PB_LTYPE(it->type)) {
	case PB_LTYPE_BOOL:
		*(bool *)p = true;
		break;
	case PB_LTYPE_VARINT: /* negative half of the time */
		if (v & 2)
			v = 0 - v;
		/* fallthrough */
	case PB_LTYPE_UVARINT:
		if (it->data_size == 8)
			*(uint64_t *)p = v;
		else
			*(uint32_t *)p = (uint32_t)v ? (uint32_t)v : 1;
		break;
	case PB_LTYPE_STRING:
		for (size_t i = 0; i + 1 < it->data_size && i < 3 + v % 20; i++)
			((char *)p)[i] = (char)('a' + (v + i * i) % 26);
		break;
	case PB_LTYPE_BYTES: {
		pb_bytes_array_t *b = p;

		b->size = (pb_size_t)(1 + v % 40);
		for (size_t i = 0; i < b->size; i++)
			b->bytes[i] = (pb_byte_t)fill_next(f);
		break;
	}
	case PB_LTYPE_SUBMESSAGE:
		fill_message(f, it->submsg_desc, p);
		break;
	}
}

static inline bool fill_is_later(const pb_msgdesc_t *fields, pb_size_t tag)
{
	return (fields == ayaprof_Name_fields && tag == ayaprof_Name_long_name_tag) ||
	       (fields == ayaprof_Goodbye_fields && tag == ayaprof_Goodbye_command_ended_tag) ||
	       (fields == ayaprof_LineStats_fields &&
		       tag == ayaprof_LineStats_frames_refused_tag) ||
	       (fields == ayaprof_LineEvent_fields && tag >= ayaprof_LineEvent_session_tag);
}

/* Of a second round. */
static inline bool fill_is_newest(const pb_msgdesc_t *fields, pb_size_t tag)
{
	return fields == ayaprof_RecordingEnd_fields &&
	       tag == ayaprof_RecordingEnd_digest_place_tag;
}

/* msg must be zeroed. */
static inline void fill_message(struct fill *f, const pb_msgdesc_t *fields, void *msg)
{
	pb_field_iter_t it;
	unsigned int members = 0, member = 0;

	if (!pb_field_iter_begin(&it, fields, msg))
		return;
	do
		members += PB_HTYPE(it.type) == PB_HTYPE_ONEOF;
	while (pb_field_iter_next(&it));
	(void)pb_field_iter_begin(&it, fields, msg);
	do {
		if ((f->later < 1 && fill_is_later(fields, it.tag)) ||
			(f->later < 2 && fill_is_newest(fields, it.tag)))
			continue;
		if (PB_HTYPE(it.type) == PB_HTYPE_REPEATED) {
			pb_size_t n =
				it.array_size < f->repeat ? it.array_size : (pb_size_t)f->repeat;

			for (pb_size_t i = 0; i < n; i++)
				fill_value(f, &it, (char *)it.pField + (size_t)i * it.data_size);
			*(pb_size_t *)it.pSize = n;
		} else if (PB_HTYPE(it.type) == PB_HTYPE_ONEOF) {
			if (member++ == f->choice % members) {
				fill_value(f, &it, it.pField);
				*(pb_size_t *)it.pSize = it.tag;
			}
		} else {
			fill_value(f, &it, it.pField);
			if (it.pSize) /* has_ of a sub-message */
				*(bool *)it.pSize = true;
		}
	} while (pb_field_iter_next(&it));
}

#endif
