/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/decode.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "host/trace/decode_work.h"

/* A group of a file is 60 KB and seldom more events than this. */
#define JOB_EVENTS 65536u
#define JOB_BYTES  (96u << 10)
#define JOB_BLOCKS 256u
/* Without threads a job is what stays in a processor's cache. */
#define ALONE_EVENTS AYP_BLOCK_MAX_EVENTS

void decode_init(struct decode *d, const struct trace_memory *mem,
	const struct trace_threads *threads, decode_done *done, void *ctx)
{
	size_t n = threads->n ? threads->n : 1;

	*d = (struct decode){
		.mem = mem, .threads = *threads, .done = done, .ctx = ctx, .max_flight = n + 1};
	if (d->max_flight > DECODE_MAX_FLIGHT)
		d->max_flight = DECODE_MAX_FLIGHT;
	d->max_events = threads->start ? JOB_EVENTS : ALONE_EVENTS;
	if (!threads->start)
		d->max_flight = 1;
}

static void free_job(struct decode *d, struct decode_job *job)
{
	if (!job)
		return;
	trace_release(d->mem, job->bytes);
	trace_release(d->mem, job->block);
	trace_release(d->mem, job->events);
	trace_release(d->mem, job->args);
	trace_release(d->mem, job->used);
	trace_release(d->mem, job->plain);
	trace_release(d->mem, job->scratch);
	trace_release(d->mem, job);
}

static void finish(struct decode *d, struct decode_job *job)
{
	if (job->handle)
		d->threads.wait(d->threads.ctx, job->handle);
	job->handle = NULL;
}

void decode_free(struct decode *d)
{
	for (size_t i = 0; i < d->n_flight; i++)
		finish(d, d->flight[i]);
	for (size_t i = 0; i < d->n_jobs; i++)
		free_job(d, d->job[i]);
	for (size_t i = 0; i < DECODE_DECODERS; i++)
		trace_release(d->mem, d->decoder[i].mem);
	d->n_flight = d->n_jobs = 0;
}

/* ---- jobs in flight --------------------------------------------------------------------------- */

static void *uninitialised(const struct decode *d, size_t n, size_t size)
{
	return d->mem->resize(d->mem->ctx, NULL, n * size);
}

static struct decode_job *make_job(struct decode *d)
{
	struct decode_job *job = trace_alloc(d->mem, sizeof(*job));

	if (!job)
		return NULL;
	/* Not zeroed: what is not needed takes no memory. */
	job->bytes = uninitialised(d, JOB_BYTES, 1);
	job->block = uninitialised(d, JOB_BLOCKS, sizeof(*job->block));
	job->events = uninitialised(d, d->max_events, sizeof(*job->events));
	job->args = uninitialised(d, d->max_events * AYP_EVENT_MAX_ARGS, sizeof(*job->args));
	job->used = trace_alloc(d->mem, TRACE_MAX_FUNCS / 8);
	job->plain = uninitialised(d, AYP_BLOCK_MAX_EVENTS, sizeof(*job->plain));
	job->scratch = uninitialised(d, AYP_BLOCK_MAX_EVENTS, sizeof(*job->scratch));
	if (job->bytes && job->block && job->events && job->args && job->used && job->plain &&
		job->scratch) {
		d->job[d->n_jobs++] = job;
		return job;
	}
	free_job(d, job);
	return NULL;
}

static int finish_oldest(struct decode *d)
{
	struct decode_job *job = d->flight[0];
	int err;

	finish(d, job);
	memmove(d->flight, d->flight + 1, --d->n_flight * sizeof(*d->flight));
	if (job->decoder)
		job->decoder->jobs--;
	err = d->done(d->ctx, job->whose, job);
	d->idle[d->n_idle++] = job;
	return err;
}

static bool in_flight(const struct decode *d, const struct decoder *decoder)
{
	for (size_t i = 0; i < d->n_flight; i++) {
		if (d->flight[i]->decoder == decoder)
			return true;
	}
	return false;
}

static int launch(struct decode *d)
{
	struct decode_job *job = d->filling;
	int err = 0;

	if (!job)
		return 0;
	while (!err &&
		(d->n_flight == d->max_flight || (job->decoder && in_flight(d, job->decoder))))
		err = finish_oldest(d);
	if (err)
		return err;
	d->filling = NULL;
	d->flight[d->n_flight++] = job;
	if (d->threads.start)
		job->handle = d->threads.start(d->threads.ctx, decode_work, job);
	else
		decode_work(job);
	return d->max_flight == 1 ? finish_oldest(d) : 0;
}

int decode_drain(struct decode *d)
{
	int err = launch(d);

	while (!err && d->n_flight)
		err = finish_oldest(d);
	return err;
}

static int begin_job(struct decode *d, struct decode_session *s, void *whose, uint32_t epoch)
{
	struct decode_job *job = d->n_idle ? d->idle[--d->n_idle] : NULL;

	if (!job)
		job = make_job(d);
	if (!job)
		return -ENOMEM;
	job->decoder = NULL;
	job->session = s;
	job->whose = whose;
	job->handle = NULL;
	job->n_bytes = job->n_blocks = job->n_events = job->n_args = job->n_claimed = 0;
	job->cpus = 0;
	job->epoch = epoch;
	memset(job->used, 0, TRACE_MAX_FUNCS / 8);
	d->filling = job;
	return 0;
}

/* ---- decoders --------------------------------------------------------------------------------- */

static struct decoder *free_decoder(struct decode *d)
{
	struct decoder *oldest = NULL;

	for (size_t i = 0; i < DECODE_DECODERS; i++) {
		struct decoder *o = &d->decoder[i];

		if (o->jobs)
			continue;
		if (!o->owner && o->mem)
			return o;
		if (!oldest || !o->mem || (oldest->mem && o->used < oldest->used))
			oldest = o;
	}
	return oldest;
}

/* A decoder for what begins from nothing. */
static int take_decoder(struct decode *d, struct decoder **out)
{
	struct decoder *o = free_decoder(d);

	_Static_assert(DECODE_DECODERS > DECODE_MAX_FLIGHT + 1, "one is not in use by a job");
	assert(o);
	if (!o->mem) {
		o->mem = uninitialised(d, ayp_block_decoder_size(), 1);
		o->d = o->mem ? ayp_block_decoder_init(o->mem) : NULL;
	}
	if (!o->d) {
		trace_release(d->mem, o->mem);
		o->mem = NULL;
		return -ENOMEM;
	}
	if (o->owner)
		o->owner->decoder = NULL;
	o->owner = NULL;
	*out = o;
	return 0;
}

void decode_forget(struct decode *d, struct decode_session *s)
{
	assert(!d->n_flight && !d->filling);
	if (s->decoder)
		s->decoder->owner = NULL;
	s->decoder = NULL;
}

/* ---- blocks into jobs ------------------------------------------------------------------------- */

static bool fits(const struct decode *d, const struct decode_block *b, size_t len)
{
	const struct decode_job *job = d->filling;

	return job->n_blocks < JOB_BLOCKS && job->n_bytes + len <= JOB_BYTES &&
	       job->n_claimed + b->count <= d->max_events;
}

/* Does the job that is being filled have the decoder that this block needs? */
static bool right_decoder(
	const struct decode *d, const struct decode_session *s, enum decode_place place)
{
	const struct decode_job *job = d->filling;

	if (!job->decoder)
		return true;
	if (place == DECODE_BEGINS)
		return false;
	return place == DECODE_ANYWHERE || job->decoder == s->decoder;
}

static int choose_decoder(struct decode *d, struct decode_session *s, enum decode_place place)
{
	struct decode_job *job = d->filling;
	int err = 0;

	if (place == DECODE_CONTINUES)
		job->decoder = s->decoder;
	else
		err = take_decoder(d, &job->decoder);
	if (err)
		return err;
	if (place == DECODE_BEGINS) {
		if (s->decoder)
			s->decoder->owner = NULL;
		s->decoder = job->decoder;
		job->decoder->owner = s;
	}
	job->decoder->jobs++;
	return 0;
}

static void add_block(struct decode *d, const struct decode_block *b, const uint8_t *src,
	size_t len, bool expected)
{
	struct decode_job *job = d->filling;
	struct decode_block *to = &job->block[job->n_blocks++];

	*to = *b;
	to->expected = expected;
	to->result = DECODE_BROKEN;
	if (!expected)
		return;
	to->bytes = (uint32_t)job->n_bytes;
	to->len = (uint32_t)len;
	memcpy(job->bytes + job->n_bytes, src, len);
	job->n_bytes += len;
	job->n_claimed += b->count;
	job->decoder->used = ++d->clock;
}

/* Can it be decoded, by its head? */
static bool is_expected(struct decode_session *s, enum decode_place place, uint32_t codec,
	const uint8_t *src, size_t len)
{
	if (!ayp_block_chain_follow(&s->chain, codec, src, len))
		return false;
	if (place != DECODE_CONTINUES || s->decoder)
		return true;
	/* Its decoder went to another session. */
	s->chain.whole = false;
	return false;
}

int decode_put(struct decode *d, struct decode_session *s, void *whose, uint32_t epoch,
	const struct decode_block *b, const uint8_t *src, size_t len)
{
	enum decode_place place = decode_place_of(b->codec, src, len);
	bool expected = is_expected(s, place, b->codec, src, len);
	int err = 0;

	assert(b->count <= d->max_events && len <= JOB_BYTES);
	if (d->filling && (d->filling->session != s || !fits(d, b, len) ||
				  (expected && !right_decoder(d, s, place))))
		err = launch(d);
	if (!err && !d->filling)
		err = begin_job(d, s, whose, epoch);
	if (!err && expected && !d->filling->decoder)
		err = choose_decoder(d, s, place);
	if (!err)
		add_block(d, b, src, len, expected);
	return err;
}

/* Decode one block here and now. *job: with the result, to be given back. */
static int try_block(struct decode *d, struct decode_session *s, void *whose, uint32_t epoch,
	const struct decode_source *source, struct decode_job **job)
{
	const struct decode_block *b = &source->block;
	enum decode_place place = decode_place_of(b->codec, source->src, source->len);
	bool expected = is_expected(s, place, b->codec, source->src, source->len);
	int err = begin_job(d, s, whose, epoch);

	if (!err && expected)
		err = choose_decoder(d, s, place);
	if (err)
		return err;
	add_block(d, b, source->src, source->len, expected);
	*job = d->filling;
	d->filling = NULL;
	decode_work(*job);
	if ((*job)->decoder)
		(*job)->decoder->jobs--;
	return 0;
}

int decode_put_any(struct decode *d, struct decode_session *s, void *whose, uint32_t epoch,
	const struct decode_source *source, size_t n)
{
	struct ayp_block_chain chain = s->chain;
	int err = decode_drain(d);

	for (size_t i = 0; i < n && !err; i++) {
		struct decode_job *job;
		bool last;

		s->chain = chain;
		err = try_block(d, s, whose, epoch, &source[i], &job);
		if (err)
			break;
		last = i + 1 == n || job->block[0].result == DECODE_OK;
		if (last)
			err = d->done(d->ctx, whose, job);
		d->idle[d->n_idle++] = job;
		if (last)
			break;
	}
	return err;
}
