/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/decode_work.h"

#include "host/trace/merger.h"

enum decode_place decode_place_of(uint32_t codec, const uint8_t *src, size_t len)
{
	uint32_t index;
	uint8_t group;

	if (!ayp_block_place(codec, src, len, &group, &index))
		return DECODE_ANYWHERE;
	return index ? DECODE_CONTINUES : DECODE_BEGINS;
}

static void take_event(struct decode_job *job, const struct ayp_event *ev)
{
	struct stage_event *to = &job->events[job->n_events++];
	unsigned int nargs = ev->nargs <= AYP_EVENT_MAX_ARGS ? ev->nargs : AYP_EVENT_MAX_ARGS;
	unsigned int kind = ev->kind < AYP_EVENT_KINDS ? ev->kind : AYP_INSTANT;

	*to = (struct stage_event){
		.t_ns = ev->t_ns,
		.tid = ev->tid,
		.args = (uint32_t)job->n_args,
		.epoch = job->epoch,
		.func = ev->func,
		.cpu = ev->cpu,
		.kind_nargs = (uint8_t)(kind | nargs << 4),
	};
	for (unsigned int i = 0; i < nargs; i++)
		job->args[job->n_args++] = ev->arg[i];
	job->used[ev->func / 64] |= UINT64_C(1) << ev->func % 64;
	if (ev->cpu >= job->cpus)
		job->cpus = ev->cpu + 1u;
}

static enum decode_result decode_one(struct decode_job *job, struct decode_block *b)
{
	int n = ayp_block_decode(job->decoder->d, b->codec, job->bytes + b->bytes, b->len, b->count,
		job->plain, AYP_BLOCK_MAX_EVENTS);

	/* What the decoder had before belongs to another group, perhaps of another session. */
	if (n != (int)b->count &&
		decode_place_of(b->codec, job->bytes + b->bytes, b->len) == DECODE_BEGINS)
		ayp_block_decoder_init(job->decoder->mem);
	if (n != (int)b->count)
		return n == AYP_BLOCK_CODEC   ? DECODE_CODEC
		       : n == AYP_BLOCK_CHAIN ? DECODE_BROKEN
					      : DECODE_FAILED;
	b->from = (uint32_t)job->n_events;
	for (uint32_t i = 0; i < b->count; i++)
		take_event(job, &job->plain[i]);
	merger_sort(job->events + b->from, b->count, job->scratch);
	return DECODE_OK;
}

/* Runs anywhere: touches the job and its decoder only. */
void decode_work(void *arg)
{
	struct decode_job *job = arg;

	for (size_t i = 0; i < job->n_blocks; i++) {
		if (job->block[i].expected)
			job->block[i].result = (uint8_t)decode_one(job, &job->block[i]);
	}
}
