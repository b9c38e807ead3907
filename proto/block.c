/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/block.h"

#include <string.h>

#include "proto/codec.h"

/* A row per codec. The first one is what encoders write; decoders take any. */
static const struct ayp_codec *const codecs[] = {
	&ayp_codec_columns,
};

#define N_CODECS (sizeof(codecs) / sizeof(codecs[0]))

/* Bytes per event, times 256: assumed before the first block is known. */
#define FIRST_GUESS (3u << 8)
/* Room to find out how large a block came out that does not fit the caller's. */
#define PACKED_ROOM 65536u

#define ALIGN_UP(n) (((n) + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1))

struct ayp_block_encoder {
	size_t target;
	uint32_t per_event; /* bytes per event of late, times 256 */
	uint32_t goal;      /* events to gather */
	uint32_t pending;
	struct ayp_event events[AYP_BLOCK_MAX_EVENTS];
	uint8_t packed[PACKED_ROOM];
};

struct ayp_block_decoder {
	size_t at[N_CODECS]; /* where each codec's memory is, from the start of this struct */
};

static void *codec_mem(struct ayp_block_encoder *e)
{
	return (uint8_t *)e + ALIGN_UP(sizeof(*e));
}

static void set_goal(struct ayp_block_encoder *e)
{
	size_t n = (e->target << 8) / e->per_event;

	e->goal = n < 1 ? 1 : n > AYP_BLOCK_MAX_EVENTS ? AYP_BLOCK_MAX_EVENTS : (uint32_t)n;
}

size_t ayp_block_encoder_size(void)
{
	return ALIGN_UP(sizeof(struct ayp_block_encoder)) + codecs[0]->encoder_size();
}

struct ayp_block_encoder *ayp_block_encoder_init(void *mem, size_t target_bytes)
{
	struct ayp_block_encoder *e = mem;

	e->target = target_bytes < PACKED_ROOM ? target_bytes : PACKED_ROOM;
	e->per_event = FIRST_GUESS;
	e->pending = 0;
	set_goal(e);
	return codecs[0]->encoder_init(codec_mem(e)) ? e : NULL;
}

int ayp_block_encoder_put(struct ayp_block_encoder *e, const struct ayp_event *ev)
{
	struct ayp_event *slot = &e->events[e->pending];

	if (ev->kind >= AYP_EVENT_KINDS || ev->nargs > AYP_EVENT_MAX_ARGS)
		return -2;
	if (e->pending >= AYP_BLOCK_MAX_EVENTS)
		return -1;
	*slot = *ev;
	e->pending++;
	return e->pending >= e->goal;
}

uint32_t ayp_block_encoder_pending(const struct ayp_block_encoder *e)
{
	return e->pending;
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

static void learn(struct ayp_block_encoder *e, uint32_t n, size_t size)
{
	/* A short block, cut for its age, is mostly head: it says little about a full one. */
	if (n == e->pending && n < e->goal / 2)
		return;
	e->per_event = (uint32_t)((e->per_event * 3u + (size << 8) / n) / 4u);
	if (e->per_event < 1)
		e->per_event = 1;
	set_goal(e);
}

size_t ayp_block_encoder_cut(
	struct ayp_block_encoder *e, uint8_t *dst, size_t cap, struct ayp_block_info *info)
{
	const struct ayp_codec *codec = codecs[0];
	uint32_t n = e->pending;
	size_t size;

	if (n == 0)
		return 0;
	for (;;) {
		size = codec->encode(codec_mem(e), e->events, n, e->packed, sizeof(e->packed));
		if (size && size <= cap)
			break;
		if (n == 1)
			return 0; /* cap is below AYP_BLOCK_MIN_CAP */
		n = fewer(n, size, cap);
	}
	if (codec->accept)
		codec->accept(codec_mem(e));
	memcpy(dst, e->packed, size);

	*info = (struct ayp_block_info){
		.count = n,
		.first_ns = e->events[0].t_ns,
		.last_ns = e->events[0].t_ns,
		.codec = codec->id,
	};
	for (uint32_t i = 1; i < n; i++) {
		if (e->events[i].t_ns < info->first_ns)
			info->first_ns = e->events[i].t_ns;
		if (e->events[i].t_ns > info->last_ns)
			info->last_ns = e->events[i].t_ns;
	}
	learn(e, n, size);
	e->pending -= n;
	memmove(e->events, e->events + n, e->pending * sizeof(e->events[0]));
	return size;
}

size_t ayp_block_decoder_size(void)
{
	size_t size = ALIGN_UP(sizeof(struct ayp_block_decoder));

	for (size_t i = 0; i < N_CODECS; i++)
		size += ALIGN_UP(codecs[i]->decoder_size());
	return size;
}

struct ayp_block_decoder *ayp_block_decoder_init(void *mem)
{
	struct ayp_block_decoder *d = mem;
	size_t at = ALIGN_UP(sizeof(*d));

	for (size_t i = 0; i < N_CODECS; i++) {
		d->at[i] = at;
		at += ALIGN_UP(codecs[i]->decoder_size());
		if (!codecs[i]->decoder_init((uint8_t *)mem + d->at[i]))
			return NULL;
	}
	return d;
}

int ayp_block_decode(struct ayp_block_decoder *d, uint32_t codec, const uint8_t *src, size_t len,
	uint32_t count, struct ayp_event *out, size_t cap)
{
	for (size_t i = 0; i < N_CODECS; i++) {
		if (codecs[i]->id != codec)
			continue;
		if (count > cap || count > AYP_BLOCK_MAX_EVENTS)
			return AYP_BLOCK_TOO_LARGE;
		if (count == 0)
			return AYP_BLOCK_CORRUPT;
		return codecs[i]->decode((uint8_t *)d + d->at[i], src, len, count, out);
	}
	return AYP_BLOCK_CODEC;
}

const char *ayp_codec_name(uint32_t codec)
{
	for (size_t i = 0; i < N_CODECS; i++)
		if (codecs[i]->id == codec)
			return codecs[i]->name;
	return "unknown";
}
