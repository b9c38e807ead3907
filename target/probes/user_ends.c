/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_ends.h"

#include <stdlib.h>
#include <string.h>

#include "target/probes/user_reading.h"

/* Instructions decoded per byte of code before a reading is given up: hostile code can make one
 * instruction be looked at often. */
#define STEPS_PER_BYTE 64u

static const char *const texts[] = {
	[USER_ENDS_KNOWN] = "known",
	[USER_ENDS_NO_SIZE] = "its symbol does not say where it ends",
	[USER_ENDS_LONG] = "too long to be read",
	[USER_ENDS_UNREADABLE] = "its code cannot be decoded",
	[USER_ENDS_OVERLAPS] = "its code overlaps with other code",
	[USER_ENDS_INTO_MIDDLE] = "it jumps into the middle of another function",
	[USER_ENDS_NAMELESS] = "it jumps to code without a name",
	[USER_ENDS_INDIRECT] = "a jump in it cannot be told from a tail call",
	[USER_ENDS_UNREACHED] = "nothing leads to some of its returns",
	[USER_ENDS_RUNS_ON] = "it runs into what follows it",
	[USER_ENDS_CONDITION] = "it leaves by a condition that cannot be looked at",
	[USER_ENDS_REFUSED] = "the kernel takes no probe where it returns",
	[USER_ENDS_NO_MEMORY] = "out of memory",
};

const char *user_ends_why(enum user_ends_why why)
{
	return why < sizeof(texts) / sizeof(texts[0]) ? texts[why] : "";
}

void user_ends_free(struct user_ends *e)
{
	free(e->at);
	*e = (struct user_ends){.why = e->why};
}

/* The first reason is the one to tell. */
static void fail(struct reading *r, enum user_ends_why why)
{
	if (r->out->why == USER_ENDS_KNOWN)
		r->out->why = why;
}

static bool failed(const struct reading *r)
{
	return r->out->why != USER_ENDS_KNOWN;
}

/* ---- pieces of the function ------------------------------------------------------------------ */

struct span *reading_span(struct reading *r, uint64_t address)
{
	size_t i;

	for (i = 0; i < r->n_spans; i++)
		if (address - r->span[i].address < r->span[i].size)
			return &r->span[i];
	return NULL;
}

static uint8_t *mark_at(struct reading *r, uint64_t address)
{
	struct span *s = reading_span(r, address);

	return s ? &s->mark[address - s->address] : NULL;
}

bool reading_decode(struct reading *r, struct span *s, uint64_t address, struct user_insn *out)
{
	size_t at = (size_t)(address - s->address);

	if (!r->steps) {
		fail(r, USER_ENDS_LONG);
		return false;
	}
	r->steps--;
	return user_insn_decode(r->v->arch, s->bytes + at, s->size - at, address, out);
}

bool reading_before(struct reading *r, struct span *s, uint64_t address, struct user_insn *out)
{
	size_t at = (size_t)(address - s->address);

	while (at)
		if (s->mark[--at] & MARK_BOUNDARY)
			return reading_decode(r, s, s->address + at, out);
	return false;
}

bool reading_is_place(struct reading *r, uint64_t address)
{
	const uint8_t *mark = mark_at(r, address);

	return mark && *mark & MARK_BOUNDARY;
}

static void mark_data(struct reading *r, const struct user_insn *insn)
{
	uint64_t at;

	for (at = insn->target; at - insn->target < insn->width; at++) {
		uint8_t *mark = mark_at(r, at);

		if (mark)
			*mark |= MARK_DATA;
	}
}

/* Every instruction from the start on. Behind bytes that are none it goes on with the next one. */
static void sweep(struct reading *r, struct span *s)
{
	size_t at = 0, step = user_insn_step(r->v->arch);
	struct user_insn insn;

	while (at < s->size && !failed(r)) {
		if (!reading_decode(r, s, s->address + at, &insn)) {
			at += step;
			continue;
		}
		s->mark[at] |= MARK_BOUNDARY;
		if (insn.literal)
			mark_data(r, &insn);
		at += insn.length;
	}
}

static bool overlaps(const struct reading *r, uint64_t address, uint64_t size)
{
	size_t i;

	for (i = 0; i < r->n_spans; i++)
		if (address < r->span[i].address + r->span[i].size &&
			r->span[i].address < address + size)
			return true;
	return false;
}

static void add_span(struct reading *r, uint64_t address, uint64_t size)
{
	struct span *s = &r->span[r->n_spans];

	if (!size) {
		fail(r, USER_ENDS_NO_SIZE);
	} else if (size > USER_BODY_MAX || r->n_spans == READING_SPANS) {
		fail(r, USER_ENDS_LONG);
	} else if (address + size < address || address % user_insn_step(r->v->arch)) {
		fail(r, USER_ENDS_UNREADABLE);
	} else if (overlaps(r, address, size)) {
		fail(r, USER_ENDS_OVERLAPS);
	} else {
		size_t n = (size_t)size;

		*s = (struct span){address, n, malloc(n), calloc(n, 1)};
		r->n_spans++;
		r->steps += n * STEPS_PER_BYTE + 4096;
		if (!s->bytes || !s->mark)
			fail(r, USER_ENDS_NO_MEMORY);
		else if (r->v->read(r->v->ctx, address, s->bytes, n) != n)
			fail(r, USER_ENDS_UNREADABLE);
		else
			sweep(r, s);
	}
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void push(struct reading *r, uint64_t **list, size_t *n, size_t *cap, uint64_t address)
{
	if (*n == *cap) {
		size_t more = *cap ? 2 * *cap : 64;
		uint64_t *grown = realloc(*list, more * sizeof(*grown));

		if (!grown) {
			fail(r, USER_ENDS_NO_MEMORY);
			return;
		}
		*list = grown;
		*cap = more;
	}
	(*list)[(*n)++] = address;
}

void reading_reach(struct reading *r, uint64_t address)
{
	uint8_t *mark = mark_at(r, address);

	if (!mark || !(*mark & MARK_BOUNDARY)) {
		fail(r, USER_ENDS_OVERLAPS);
		return;
	}
	*mark |= MARK_TARGET;
	if (!(*mark & MARK_REACHED))
		push(r, &r->todo, &r->n_todo, &r->cap_todo, address);
}

static void add_end(struct reading *r, uint64_t address, uint16_t when, bool again)
{
	struct user_ends *e = r->out;

	if (e->n == USER_ENDS_MAX) {
		fail(r, USER_ENDS_LONG);
		return;
	}
	if (e->n == r->cap_ends) {
		size_t cap = r->cap_ends ? 2 * r->cap_ends : 4;
		struct user_end *grown = realloc(e->at, cap * sizeof(*grown));

		if (!grown) {
			fail(r, USER_ENDS_NO_MEMORY);
			return;
		}
		e->at = grown;
		r->cap_ends = cap;
	}
	e->at[e->n++] = (struct user_end){address, when, again};
}

/*
 * Where the kernel refuses an instruction, the one before it is as good, if nothing comes to the
 * former but through it.
 */
static void end_here(struct reading *r, struct span *s, const struct user_insn *insn, bool again)
{
	struct user_insn before;

	if (insn->when == USER_UNKNOWN && insn->conditional)
		fail(r, USER_ENDS_CONDITION);
	else if (!insn->no_probe)
		add_end(r, insn->address, insn->when, again);
	else if (!insn->conditional && insn->address != r->start &&
		 !(s->mark[insn->address - s->address] & MARK_TARGET) &&
		 reading_before(r, s, insn->address, &before) && before.flow == FLOW_NEXT &&
		 !before.no_probe && before.address + before.length == insn->address)
		add_end(r, before.address, USER_ALWAYS, again);
	else
		fail(r, USER_ENDS_REFUSED);
}

/* ---- following control ----------------------------------------------------------------------- */

/* A jump out of what is known of the function. */
static void leave(struct reading *r, struct span *s, const struct user_insn *insn)
{
	struct user_symbol to;

	if (!r->v->symbol(r->v->ctx, insn->target, &to)) {
		fail(r, USER_ENDS_NAMELESS);
	} else if (to.kind == USER_PART) {
		add_span(r, to.address, to.size);
		if (!failed(r))
			reading_reach(r, insn->target);
	} else if (to.kind == USER_STUB || insn->target == to.address) {
		end_here(r, s, insn, false);
	} else {
		fail(r, USER_ENDS_INTO_MIDDLE);
	}
}

/* A call that is followed by data or by nothing never comes back. Code that is taken for data is
 * code that nothing leads to (see there). */
static void go_on(struct reading *r, const struct user_insn *insn)
{
	uint64_t next = insn->address + insn->length;
	uint8_t *mark = mark_at(r, next);

	if (mark && *mark & MARK_DATA && insn->flow == FLOW_CALL && !insn->conditional)
		return;
	if (mark && *mark & MARK_BOUNDARY) {
		if (!(*mark & MARK_REACHED))
			push(r, &r->todo, &r->n_todo, &r->cap_todo, next);
	} else if (mark) {
		fail(r, USER_ENDS_UNREADABLE);
	} else if (insn->flow != FLOW_CALL) {
		fail(r, USER_ENDS_RUNS_ON);
	}
}

static void follow(struct reading *r, uint64_t address)
{
	struct span *s = reading_span(r, address);
	struct user_insn insn;

	if (s->mark[address - s->address] & MARK_REACHED)
		return;
	if (!reading_decode(r, s, address, &insn)) {
		fail(r, USER_ENDS_UNREADABLE);
		return;
	}
	s->mark[address - s->address] |= MARK_REACHED;
	switch (insn.flow) {
	case FLOW_JUMP:
		if (!reading_span(r, insn.target))
			leave(r, s, &insn);
		else
			reading_reach(r, insn.target);
		break;
	case FLOW_INDIRECT:
		push(r, &r->indirect, &r->n_indirect, &r->cap_indirect, address);
		break;
	case FLOW_CALL: /* x86-32 calls its own next instruction to learn where it is */
		if (insn.direct && reading_span(r, insn.target) && insn.target != r->start)
			reading_reach(r, insn.target);
		break;
	default:
		break;
	}
	if (insn.flow == FLOW_NEXT || insn.flow == FLOW_CALL || insn.conditional)
		go_on(r, &insn);
}

static void classify(struct reading *r, uint64_t address)
{
	struct span *s = reading_span(r, address);
	struct user_insn insn;

	if (!reading_decode(r, s, address, &insn))
		return;
	switch (reading_classify(r, s, &insn)) {
	case JUMP_STAYS:
		break;
	case JUMP_LEAVES:
		end_here(r, s, &insn, false);
		break;
	case JUMP_UNKNOWN:
		fail(r, USER_ENDS_INDIRECT);
		break;
	}
}

static void follow_all(struct reading *r)
{
	while (!failed(r)) {
		if (r->n_todo)
			follow(r, r->todo[--r->n_todo]);
		else if (r->n_indirect)
			classify(r, r->indirect[--r->n_indirect]);
		else
			return;
	}
}

/* ---- what nothing leads to ------------------------------------------------------------------- */

struct gap {
	bool ends, calls;
};

static bool calls_something(struct reading *r, const struct user_insn *insn)
{
	return insn->flow == FLOW_CALL && (!insn->direct || r->v->is_code(r->v->ctx, insn->target));
}

static bool may_end(struct reading *r, const struct user_insn *insn)
{
	return insn->flow == FLOW_RETURN || insn->flow == FLOW_INDIRECT ||
	       (insn->flow == FLOW_JUMP && !reading_span(r, insn->target));
}

/* From `from` to the next reached instruction or the end. Returns where that is. */
static size_t look_at_gap(struct reading *r, struct span *s, size_t from, struct gap *g)
{
	size_t at = from;
	struct user_insn insn;

	while (at < s->size && !(s->mark[at] & MARK_REACHED)) {
		if (s->mark[at] & MARK_BOUNDARY && reading_decode(r, s, s->address + at, &insn)) {
			g->ends |= may_end(r, &insn);
			g->calls |= !g->ends && calls_something(r, &insn);
			at += insn.length;
		} else {
			at++;
		}
	}
	return at;
}

static bool is_padding(struct reading *r, struct span *s, size_t at)
{
	struct user_insn insn;

	return s->mark[at] & MARK_BOUNDARY && reading_decode(r, s, s->address + at, &insn) &&
	       insn.padding;
}

/* A whole pass over a piece. Returns whether something new was reached. */
static bool fill_gaps(struct reading *r, struct span *s)
{
	bool any = false;
	size_t at = 0, end;

	while (at < s->size && !failed(r)) {
		struct gap g = {false, false};

		if (s->mark[at] & MARK_REACHED || !(s->mark[at] & MARK_BOUNDARY) ||
			is_padding(r, s, at)) {
			at++;
			continue;
		}
		end = look_at_gap(r, s, at, &g);
		if (g.calls) {
			push(r, &r->todo, &r->n_todo, &r->cap_todo, s->address + at);
			follow_all(r);
			any = true;
		} else if (g.ends) {
			fail(r, USER_ENDS_UNREACHED);
		}
		at = g.calls ? at + 1 : end;
	}
	return any;
}

/* ---- the function as a whole ----------------------------------------------------------------- */

static bool is_called(struct reading *r, uint64_t address)
{
	struct user_insn insn;
	size_t i, at;

	for (i = 0; i < r->n_spans; i++)
		for (at = 0; at < r->span[i].size; at++)
			if (r->span[i].mark[at] & MARK_REACHED &&
				reading_decode(r, &r->span[i], r->span[i].address + at, &insn) &&
				insn.flow == FLOW_CALL && insn.direct && insn.target == address)
				return true;
	return false;
}

/* Parts that no jump leads to hold landing pads; one that is called is a function. */
static void add_named_parts(struct reading *r, const struct user_body *b)
{
	size_t i;

	for (i = 0; i < b->n_parts && !failed(r); i++)
		if (!reading_span(r, b->parts[i].address) && !is_called(r, b->parts[i].address))
			add_span(r, b->parts[i].address, b->parts[i].size);
}

/* Jumps back to the first instruction run the entry's probe again. */
static void find_loops(struct reading *r)
{
	struct user_insn insn;
	size_t i, at;

	if (!(*mark_at(r, r->start) & MARK_TARGET))
		return;
	for (i = 0; i < r->n_spans; i++)
		for (at = 0; at < r->span[i].size && !failed(r); at++) {
			struct span *s = &r->span[i];

			if (!(s->mark[at] & MARK_REACHED) ||
				!reading_decode(r, s, s->address + at, &insn))
				continue;
			if (insn.flow == FLOW_JUMP && insn.target == r->start)
				end_here(r, s, &insn, true);
		}
}

static void find_returns(struct reading *r)
{
	struct user_insn insn;
	size_t i, at;

	for (i = 0; i < r->n_spans; i++)
		for (at = 0; at < r->span[i].size && !failed(r); at++) {
			struct span *s = &r->span[i];

			if (s->mark[at] & MARK_REACHED &&
				reading_decode(r, s, s->address + at, &insn) &&
				insn.flow == FLOW_RETURN)
				end_here(r, s, &insn, false);
		}
}

static int by_address(const void *a, const void *b)
{
	const struct user_end *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void read_body(struct reading *r, const struct user_body *b)
{
	bool any = true;
	size_t i;

	add_span(r, b->address, b->size);
	if (failed(r))
		return;
	if (!reading_is_place(r, b->address)) {
		fail(r, USER_ENDS_UNREADABLE);
		return;
	}
	push(r, &r->todo, &r->n_todo, &r->cap_todo, b->address);
	follow_all(r);
	if (!failed(r))
		add_named_parts(r, b);
	while (any && !failed(r))
		for (any = false, i = 0; i < r->n_spans && !failed(r); i++)
			any |= fill_gaps(r, &r->span[i]);
	if (!failed(r))
		find_returns(r);
	if (!failed(r))
		find_loops(r);
}

void user_ends_read(const struct user_view *v, const struct user_body *b, struct user_ends *out)
{
	struct reading r = {.v = v, .start = b->address, .out = out};

	*out = (struct user_ends){0};
	if (user_insn_known(v->arch))
		read_body(&r, b);
	else
		out->why = USER_ENDS_UNREADABLE;
	while (r.n_spans--) {
		free(r.span[r.n_spans].bytes);
		free(r.span[r.n_spans].mark);
	}
	free(r.todo);
	free(r.indirect);
	if (out->why != USER_ENDS_KNOWN)
		user_ends_free(out);
	else if (out->n)
		qsort(out->at, out->n, sizeof(*out->at), by_address);
}
