/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The blocks of a recording into events. Blocks build on one another in the order of their indexes,
 * which is not always the order in which they came; so they are decoded when all are there.
 */
#include "host/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"
#include "host/base/say.h"
#include "proto/block.h"

static int keep_events(struct load *l, struct block *b, const struct ayp_event *ev)
{
	struct model *m = l->m;
	struct model_event *dst =
		grow_array(m->events, &l->cap_events, m->n_events + b->count, sizeof(*dst));

	if (!dst)
		return -ENOMEM;
	m->events = dst;
	b->event_from = m->n_events;
	b->first_ns = b->last_ns = ev->t_ns;
	dst += m->n_events;
	for (uint32_t i = 0; i < b->count; i++, ev++, dst++) {
		uint8_t nargs = ev->nargs <= AYP_EVENT_MAX_ARGS ? ev->nargs : AYP_EVENT_MAX_ARGS;
		uint64_t *args = m->args;

		if (m->n_args + nargs > UINT32_MAX)
			nargs = 0;
		if (nargs) {
			args = grow_array(m->args, &l->cap_args, m->n_args + nargs, sizeof(*args));
			if (!args)
				return -ENOMEM;
			m->args = args;
			memcpy(args + m->n_args, ev->arg, nargs * sizeof(*args));
		}
		*dst = (struct model_event){
			.t_ns = ev->t_ns,
			.tid = ev->tid,
			.func = ev->func,
			.cpu = ev->cpu,
			.kind = ev->kind < AYP_EVENT_KINDS ? ev->kind : AYP_INSTANT,
			.arg_at = (uint32_t)m->n_args,
			.nargs = nargs,
			.session = b->session,
		};
		m->n_args += nargs;
		if (ev->t_ns < b->first_ns)
			b->first_ns = ev->t_ns;
		if (ev->t_ns > b->last_ns)
			b->last_ns = ev->t_ns;
	}
	m->n_events += b->count;
	return 0;
}

/* 0 or -ENOMEM; b->decoded and b->broken say what became of it. */
static int decode_block(struct load *l, struct block *b)
{
	int n;

	if (l->m->n_events + b->count > l->max_events) {
		if (!l->told_bound)
			say("the recording claims more events than a file of its size can hold; "
			    "events after the first %llu are left out and counted as lost",
				(unsigned long long)l->m->n_events);
		l->told_bound = true;
		return 0;
	}
	n = ayp_block_decode(l->decoder, b->codec, l->raw + b->raw_at, b->raw_len, b->count,
		l->block_events, AYP_BLOCK_MAX_EVENTS);
	if (n == AYP_BLOCK_CODEC && !l->told_codec) {
		say("events are coded in a way this version does not know (codec %u); a newer "
		    "hostdec can read them",
			b->codec);
		l->told_codec = true;
	}
	b->broken = n == AYP_BLOCK_CHAIN;
	b->decoded = n == (int)b->count;
	return b->decoded ? keep_events(l, b, l->block_events) : 0;
}

int load_blocks_decode(struct load *l)
{
	uint64_t cover = 0;
	int err = 0;

	load_blocks_sort(l);
	for (size_t i = 0; i < l->n_blocks && !err; i++) {
		struct block *b = &l->blocks[i];

		if (i == 0 || b->session != b[-1].session) {
			cover = 0;
			if (!ayp_block_decoder_init(l->decoder))
				return -ENOMEM;
		}
		if (b->first_index < cover)
			continue; /* a repeat of one that was fine */
		err = decode_block(l, b);
		if (b->decoded)
			cover = b->first_index + b->count;
	}
	free(l->raw);
	l->raw = NULL;
	return err;
}
