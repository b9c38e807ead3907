/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/seek.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "host/trace/trace_internal.h"

#define NO_WIRE UINT16_MAX

void seek_free(struct session *s)
{
	struct seek *k = &s->seek;
	const struct trace_memory *mem = s->t->mem;

	trace_release(mem, k->block);
	trace_release(mem, k->wire);
	trace_release(mem, k->row);
	trace_release(mem, k->known);
	state_free(&k->ended);
	*k = (struct seek){0};
}

/* ---- blocks ----------------------------------------------------------------------------------- */

/* How many blocks stand before this index. */
static size_t blocks_before(const struct seek *k, uint64_t index)
{
	size_t lo = 0, hi = k->n_blocks;

	/* They nearly always come in order. */
	if (hi && k->block[hi - 1].first_index < index)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->block[mid].first_index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void drop_blocks(struct seek *k, size_t n)
{
	k->n_blocks -= n;
	memmove(k->block, k->block + n, k->n_blocks * sizeof(*k->block));
}

/* The block to start with, or n_blocks: there is none. */
static size_t start_block(const struct session *s)
{
	const struct seek *k = &s->seek;
	size_t newest = k->n_blocks, at = 0;

	while (newest && !k->block[newest - 1].taken)
		newest--;
	if (!newest)
		return k->n_blocks;
	while (at + 1 < newest && k->block[at].last_ns < s->merger.given_ns)
		at++;
	while (at && !k->block[at].begins)
		at--;
	/* One that never went on would do so in a reading that begins here. */
	for (size_t i = at; i < newest; i++)
		if (!k->block[i].taken)
			return k->n_blocks;
	return k->block[at].begins ? at : k->n_blocks;
}

int seek_came(struct session *s, const struct sequenced *b)
{
	struct trace *t = s->t;
	struct seek *k = &s->seek;
	struct seek_block *block;
	uint32_t index = 1;
	uint8_t group;
	size_t at;

	if (k->n_blocks == SEEK_MAX_BLOCKS) {
		at = start_block(s);
		k->broken |= !at || at == k->n_blocks;
		drop_blocks(k, k->broken ? k->n_blocks : at);
	}
	if (k->broken)
		return 0;
	at = blocks_before(k, b->first_index);
	if (at < k->n_blocks && k->block[at].first_index == b->first_index)
		return 0;
	block = trace_grow(t->mem, k->block, &k->cap_blocks, k->n_blocks + 1, sizeof(*block));
	if (!block)
		return -ENOMEM;
	k->block = block;
	memmove(block + at + 1, block + at, (k->n_blocks++ - at) * sizeof(*block));
	/* Blocks of a codec without groups stand alone. */
	block[at] = (struct seek_block){
		.first_index = b->first_index,
		.place = t->place,
		.begins = !ayp_block_place(b->codec, b->src, b->len, &group, &index) || !index,
	};
	return 0;
}

void seek_taken(struct session *s, uint64_t first_index, uint32_t given, uint64_t last_ns)
{
	struct seek *k = &s->seek;
	size_t at = blocks_before(k, first_index);

	if (at == k->n_blocks || k->block[at].first_index != first_index)
		return;
	k->block[at].taken = true;
	k->block[at].count = given;
	k->block[at].last_ns = last_ns;
	k->block[at].epoch = s->epoch;
}

/* ---- functions -------------------------------------------------------------------------------- */

int seek_uses(struct session *s, const uint64_t *used, const uint32_t *map)
{
	uint16_t *wire = s->seek.wire;

	if (!wire) {
		wire = s->t->mem->resize(s->t->mem->ctx, NULL, TRACE_MAX_FUNCS * sizeof(*wire));
		if (!wire)
			return -ENOMEM;
		memset(wire, 0xff, TRACE_MAX_FUNCS * sizeof(*wire));
		s->seek.wire = wire;
	}
	for (uint32_t word = 0; word < TRACE_MAX_FUNCS / 64; word++) {
		for (uint64_t left = used[word]; left; left &= left - 1) {
			uint32_t id = word * 64 + (uint32_t)__builtin_ctzll(left);
			uint16_t *to = &wire[map ? map[id] : id];

			if (*to == NO_WIRE)
				*to = (uint16_t)id;
		}
	}
	return 0;
}

static bool to_wire(void *ctx, uint16_t func, uint16_t *to)
{
	const struct session *s = ctx;

	*to = s->seek.wire ? s->seek.wire[func] : NO_WIRE;
	return *to != NO_WIRE;
}

static bool from_wire(void *ctx, uint16_t func, uint16_t *to)
{
	struct session *s = ctx;

	return functions_id(&s->t->functions, s->index, func, to) == 0;
}

/* ---- losses ----------------------------------------------------------------------------------- */

int seek_lost(struct session *s, const struct trace_loss *l, bool breaks)
{
	struct seek *k = &s->seek;
	struct seek_row *row;

	if (k->n_rows == SEEK_MAX_ROWS) {
		k->broken = true;
		return 0;
	}
	row = trace_grow(s->t->mem, k->row, &k->cap_rows, k->n_rows + 1, sizeof(*row));
	if (!row)
		return -ENOMEM;
	k->row = row;
	row[k->n_rows++] = (struct seek_row){.loss = *l, .at = k->given, .breaks = breaks};
	return 0;
}

static void give_row(struct session *s, size_t at)
{
	const struct seek_row *row = &s->seek.row[at];
	struct trace *t = s->t;

	/* Older ones are in the state. */
	if (row->breaks && at >= s->seek.state_rows && s->pairer && !t->err)
		t->err = pairer_lost(
			s->pairer, row->loss.first_ns, row->loss.last_ns, row->loss.cpu);
	if (row->loss.count && t->sink.loss)
		t->sink.loss(t->config.sink_ctx, &row->loss);
}

void seek_pass_losses(struct session *s)
{
	struct seek *k = &s->seek;

	while (k->next_row < k->n_rows && k->row[k->next_row].at <= k->given)
		give_row(s, k->next_row++);
}

/* ---- points ----------------------------------------------------------------------------------- */

bool seek_gives(struct session *s, uint64_t t_ns)
{
	struct seek *k = &s->seek;

	if (k->resumed) {
		if (k->skip) {
			k->skip--;
			return false;
		}
		if (k->given >= k->until)
			return false;
		seek_pass_losses(s);
	} else if (t_ns < k->oldest_ns || !k->oldest_ns) {
		k->oldest_ns = t_ns;
	}
	k->given++;
	return true;
}

static void write_state(struct state *s, struct session *of)
{
	state_write(s, of->t->mem);
	s->translate = to_wire;
	s->translate_ctx = of;
	state_number(s, SEEK_VERSION, UINT8_MAX);
}

static bool read_state(struct state *s, struct session *of, const uint8_t *bytes, size_t len)
{
	state_read(s, bytes, len);
	s->translate = from_wire;
	s->translate_ctx = of;
	return state_number(s, 0, UINT8_MAX) == SEEK_VERSION && !s->failed;
}

int trace_point(struct trace *t, uint16_t session, struct trace_point *p)
{
	struct session *s = t->session[session];
	struct seek *k = &s->seek;
	uint64_t after = 0;
	uint32_t epoch;
	size_t at;

	if (!s->pairer || k->broken || t->digest.known || t->err)
		return 0;
	at = start_block(s);
	if (at == k->n_blocks)
		return 0;
	*p = (struct trace_point){
		.start_index = k->block[at].first_index,
		.start_place = k->block[at].place,
		.end_place = t->end_place,
		.given = k->given,
		.newest_ns = s->merger.given_ns,
		.oldest_ns = k->oldest_ns,
		.next_call = t->pairing.next_call,
	};
	epoch = k->block[at].epoch;
	for (size_t i = at; i < k->n_blocks; i++) {
		after += k->block[i].taken ? k->block[i].count : 0;
		if (k->block[i].place < p->start_place)
			p->start_place = k->block[i].place;
	}
	assert(after >= s->merger.n);
	p->skip = after - s->merger.n;
	state_free(&t->point);
	write_state(&t->point, s);
	state_number(&t->point, epoch, UINT32_MAX);
	state_number(&t->point, k->n_rows, SEEK_MAX_ROWS);
	if (pairer_ended(s->pairer, &t->point))
		k->broken = true;
	if (k->broken || pairer_state(s->pairer, &t->point) || t->point.n > SEEK_MAX_STATE)
		return 0;
	p->state = t->point.bytes;
	p->state_len = t->point.n;
	pairer_mark(s->pairer, p->next_call);
	k->oldest_ns = 0;
	drop_blocks(k, at);
	return 1;
}

void seek_end(struct session *s)
{
	struct seek *k = &s->seek;

	write_state(&k->ended, s);
	if (pairer_ended(s->pairer, &k->ended) || k->ended.failed)
		k->broken = true;
}

/* ---- from a point ----------------------------------------------------------------------------- */

static int resume_at(struct session *s, const struct trace_point *p)
{
	struct trace *t = s->t;
	struct seek *k = &s->seek;
	struct state in;
	size_t n_rows;
	uint32_t epoch;
	int err;

	if (p->state_len > SEEK_MAX_STATE || !read_state(&in, s, p->state, p->state_len))
		return -EBADMSG;
	epoch = (uint32_t)state_number(&in, 0, UINT32_MAX);
	n_rows = (size_t)state_number(&in, 0, k->n_rows);
	if (in.failed || !ledger_block_possible(p->start_index, 1))
		return -EBADMSG;
	err = flow_resume(s, p->start_index, epoch);
	if (err)
		return err;
	if (s->pairer && (pairer_skip_ended(s->pairer, &in) || pairer_state(s->pairer, &in)))
		return -EBADMSG;
	k->state_rows = n_rows;
	if (t->pairing.next_call < p->next_call)
		t->pairing.next_call = p->next_call;
	k->given = p->given;
	k->skip = p->skip;
	return 0;
}

int trace_resume(struct trace *t, uint16_t session, const struct trace_point *from,
	const struct trace_point *until)
{
	struct session *s = t->session[session];

	if (!session_ledger(s))
		return -ENOMEM;
	s->seek.resumed = true;
	s->seek.until = until ? until->given : UINT64_MAX;
	s->seek.until_call = until ? until->next_call : 0;
	return from ? resume_at(s, from) : 0;
}

int trace_stop(struct trace *t, uint16_t session)
{
	struct session *s = t->session[session];

	if (!s->seek.resumed || s->seek.until == UINT64_MAX)
		return 0;
	s->seek.stopped = true;
	return flow_stop(s);
}

int trace_give_ended(struct trace *t, uint16_t session, const struct trace_point *p)
{
	struct session *s = t->session[session];
	const struct state *last = &s->seek.ended;
	const uint8_t *bytes = p ? p->state : last->at;
	size_t len = p ? p->state_len : (size_t)(last->end - last->at);
	struct state in;

	if (!s->pairer)
		return 0;
	if (!read_state(&in, s, bytes, len))
		return -EBADMSG;
	if (p) {
		state_number(&in, 0, UINT32_MAX);
		state_number(&in, 0, SEEK_MAX_ROWS);
	}
	return pairer_give_ended(s->pairer, s->seek.until_call, &in);
}

void trace_place(struct trace *t, uint64_t place, uint64_t end_place)
{
	t->place = place;
	t->end_place = end_place;
}

void trace_event_range(const struct trace *t, uint16_t session, struct trace_event_range *r)
{
	const struct seek *k = &t->session[session]->seek;

	*r = (struct trace_event_range){
		.from = k->places[0],
		.to = k->places[1],
		.oldest_ns = k->oldest_ns ? k->oldest_ns : UINT64_MAX,
	};
}
