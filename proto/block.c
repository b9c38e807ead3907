/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/block.h"

#include <string.h>

#include "proto/codec.h"

/* A row per codec. */
static const struct ayp_codec *const codecs[] = {
	&ayp_codec_columns,
	&ayp_codec_adaptive,
};

#define N_CODECS (sizeof(codecs) / sizeof(codecs[0]))

/* Bytes per event, times 256: assumed before the first block is known. */
#define FIRST_GUESS (3u << 8)

#define ALIGN_UP(n) (((n) + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1))

struct ayp_block_encoder {
	const struct ayp_codec *codec;
	size_t target;      /* bytes */
	uint32_t per_event; /* bytes per event of late, times 256 */
	uint32_t goal;      /* events to gather */
	bool learned;       /* per_event is not only assumed */
	uint32_t pending;
	uint16_t order[AYP_BLOCK_MAX_EVENTS];
	struct ayp_event events[AYP_BLOCK_MAX_EVENTS];
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

static const struct ayp_codec *find_codec(uint32_t id)
{
	for (size_t i = 0; i < N_CODECS; i++)
		if (codecs[i]->id == id)
			return codecs[i];
	return NULL;
}

size_t ayp_block_encoder_size(uint32_t codec)
{
	const struct ayp_codec *c = find_codec(codec);

	return c ? ALIGN_UP(sizeof(struct ayp_block_encoder)) + c->encoder_size() : 0;
}

struct ayp_block_encoder *ayp_block_encoder_init(void *mem, const struct ayp_block_config *config)
{
	struct ayp_block_encoder *e = mem;

	e->codec = find_codec(config->codec);
	if (!e->codec || !e->codec->encoder_init(codec_mem(e), config->group_bytes))
		return NULL;
	e->per_event = FIRST_GUESS;
	e->learned = false;
	e->pending = 0;
	ayp_block_encoder_resize(e, config->target_bytes, config->group_bytes);
	return e;
}

void ayp_block_encoder_resize(
	struct ayp_block_encoder *e, size_t target_bytes, uint64_t group_bytes)
{
	e->target = target_bytes < AYP_BLOCK_MAX_BYTES ? target_bytes : AYP_BLOCK_MAX_BYTES;
	set_goal(e);
	if (e->codec->set_group_bytes)
		e->codec->set_group_bytes(codec_mem(e), group_bytes);
}

void ayp_block_encoder_restart(struct ayp_block_encoder *e)
{
	if (e->codec->restart)
		e->codec->restart(codec_mem(e));
}

int ayp_block_encoder_put(struct ayp_block_encoder *e, const struct ayp_event *ev)
{
	if (ev->kind >= AYP_EVENT_KINDS || ev->nargs > AYP_EVENT_MAX_ARGS)
		return -2;
	if (e->pending >= AYP_BLOCK_MAX_EVENTS)
		return -1;
	e->events[e->pending++] = *ev;
	return e->pending >= e->goal;
}

uint32_t ayp_block_encoder_pending(const struct ayp_block_encoder *e)
{
	return e->pending;
}

static void learn(struct ayp_block_encoder *e, uint32_t n, size_t size)
{
	/* A short block, cut for its age, is mostly head: it says little about a full one. */
	if (n == e->pending && n < e->goal / 2)
		return;
	e->learned = true;
	e->per_event = (uint32_t)((e->per_event * 3u + (size << 8) / n) / 4u);
	if (e->per_event < 1)
		e->per_event = 1;
	set_goal(e);
}

/* A block of more than one CPU's events that do not all fit is not of the oldest ones: what is in
 * the way of that is left out from the start. */
static uint32_t likely_to_fit(const struct ayp_block_encoder *e, size_t cap)
{
	size_t n = (cap << 8) / e->per_event;

	if (!e->learned)
		return e->pending;
	n += n / 8 + 8;
	return n < e->pending ? (uint32_t)n : e->pending;
}

/* Close the gaps that the first n of order[] leave, keeping the order of the rest. */
static void remove_taken(struct ayp_block_encoder *e, uint32_t n)
{
	uint32_t to = 0;

	if (n < e->pending) {
		for (uint32_t i = 0; i < n; i++)
			e->events[e->order[i]].kind = AYP_EVENT_KINDS; /* marks it as gone */
		for (uint32_t i = 0; i < e->pending; i++)
			if (e->events[i].kind != AYP_EVENT_KINDS)
				e->events[to++] = e->events[i];
	}
	e->pending = to;
}

size_t ayp_block_encoder_cut(
	struct ayp_block_encoder *e, uint8_t *dst, size_t cap, struct ayp_block_info *info)
{
	uint32_t n = likely_to_fit(e, cap);
	size_t size;

	if (e->pending == 0 || cap < AYP_BLOCK_MIN_CAP)
		return 0;
	if (cap > AYP_BLOCK_MAX_BYTES)
		cap = AYP_BLOCK_MAX_BYTES;
	size = e->codec->encode(codec_mem(e), e->events, n, dst, cap, e->order, &n);
	*info = (struct ayp_block_info){
		.count = n,
		.first_ns = UINT64_MAX,
		.codec = e->codec->id,
	};
	for (uint32_t i = 0; i < n; i++) {
		const struct ayp_event *ev = &e->events[e->order[i]];
		uint64_t t_ns = ev->t_ns;

		info->per_cpu[ev->cpu]++;
		if (t_ns < info->first_ns)
			info->first_ns = t_ns;
		if (t_ns > info->last_ns)
			info->last_ns = t_ns;
	}
	learn(e, n, size);
	remove_taken(e, n);
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

bool ayp_block_chain_follow(
	struct ayp_block_chain *chain, uint32_t codec, const uint8_t *src, size_t len)
{
	const struct ayp_codec *c = find_codec(codec);
	uint8_t group;
	uint32_t index;

	if (!c || !c->head || !c->head(src, len, &group, &index))
		return true; /* whatever is wrong with it, it is not the chain */
	if (index > 0 && (!chain->whole || group != chain->group || index != chain->next))
		return false;
	*chain = (struct ayp_block_chain){.next = index + 1, .group = group, .whole = true};
	return true;
}

bool ayp_block_place(
	uint32_t codec, const uint8_t *src, size_t len, uint8_t *group, uint32_t *index)
{
	const struct ayp_codec *c = find_codec(codec);

	return c && c->head && c->head(src, len, group, index);
}

bool ayp_codec_known(uint32_t codec)
{
	return find_codec(codec) != NULL;
}

const char *ayp_codec_name(uint32_t codec)
{
	const struct ayp_codec *c = find_codec(codec);

	return c ? c->name : "unknown";
}
