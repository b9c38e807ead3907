/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stack samples as folded stacks: a line for each thread and stack, outermost frame first,
 * separated by semicolons, then how often it was seen. What flame graph tools read.
 *
 * Holds: a count for each pair of a thread and a stack, MAX_PAIRS at most.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "host/base/say.h"
#include "host/views/export.h"

/* 32 bytes each, in a table that is at least a third full. */
#define MAX_PAIRS (1u << 19)

struct pair {
	uint64_t count; /* 0: a free slot */
	uint64_t t_ns;  /* when it was seen first: whose name the thread had */
	uint32_t stack, tid;
	uint16_t session;
};

struct state {
	struct pair *pairs; /* open addressing */
	size_t cap;         /* a power of two, or 0 */
	size_t n;
	uint64_t left_out; /* samples */
	uint64_t secret;   /* odd: which keys meet in the table is nobody's to choose */
};

static int pair_order(const void *pa, const void *pb)
{
	const struct pair *a = pa, *b = pb;

	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

static struct pair *slot_of(
	const struct state *s, struct pair *pairs, size_t cap, const struct pair *like)
{
	uint64_t key = ((uint64_t)like->stack << 32 | like->tid) ^ (uint64_t)like->session << 48;
	size_t at = (size_t)((key * s->secret) >> 20) & (cap - 1);

	while (pairs[at].count && pair_order(&pairs[at], like))
		at = (at + 1) & (cap - 1);
	return &pairs[at];
}

static void begin(struct exporter *x)
{
	struct state *s = x->state;

	(void)!getrandom(&s->secret, sizeof(s->secret), GRND_NONBLOCK);
	s->secret |= 1;
}

static int make_room(struct state *s)
{
	size_t cap = s->cap ? 2 * s->cap : 1024;
	struct pair *pairs;

	if (s->n * 4 < s->cap * 3)
		return 0;
	pairs = calloc(cap, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < s->cap; i++)
		if (s->pairs[i].count)
			*slot_of(s, pairs, cap, &s->pairs[i]) = s->pairs[i];
	free(s->pairs);
	s->pairs = pairs;
	s->cap = cap;
	return 0;
}

static void collect(struct exporter *x, const struct trace_event *e)
{
	struct state *s = x->state;
	struct pair like = {.tid = e->tid, .session = e->session, .t_ns = e->t_ns}, *at;

	if (trace_func(x->recording->trace, e->func)->cls != AYP_CLASS_SAMPLE || e->nargs == 0)
		return;
	like.stack = (uint32_t)e->arg[0];
	if (make_room(s)) {
		export_fail(x, -ENOMEM);
		return;
	}
	at = slot_of(s, s->pairs, s->cap, &like);
	if (!at->count && s->n == MAX_PAIRS) {
		s->left_out++;
		return;
	}
	s->n += !at->count;
	if (!at->count)
		*at = like;
	at->count++;
	x->written++;
}

/* Semicolons and line ends are the format's own. */
static void write_frame(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name == ';' ? ':' : *name == '\n' ? ' ' : *name, out);
}

static void write_stack(struct exporter *x, const struct pair *p)
{
	const struct trace *t = x->recording->trace;
	const struct trace_stack *stack = trace_stack(t, p->session, p->stack);
	const struct trace_task *task = trace_task(t, p->session, p->tid, p->t_ns);

	if (task)
		write_frame(x->out, task->comm);
	else if (p->tid)
		fprintf(x->out, "thread %" PRIu32, p->tid);
	else
		fputs("idle", x->out);
	if (!stack)
		fputs(";[stack not received]", x->out);
	for (uint32_t i = stack ? stack->n : 0; i > 0; i--) {
		fputc(';', x->out);
		write_frame(x->out, trace_symbol(t, p->session, stack->symbols[i - 1]));
		/* As flame graph tools colour them. */
		if (i <= stack->kernel_frames)
			fputs("_[k]", x->out);
	}
	fprintf(x->out, " %" PRIu64 "\n", p->count);
}

static void end(struct exporter *x)
{
	struct state *s = x->state;
	size_t n = 0;

	for (size_t i = 0; i < s->cap; i++)
		if (s->pairs[i].count)
			s->pairs[n++] = s->pairs[i];
	if (n)
		qsort(s->pairs, n, sizeof(*s->pairs), pair_order);
	for (size_t i = 0; i < n; i++)
		write_stack(x, &s->pairs[i]);
	if (s->left_out)
		say("%" PRIu64 " samples are left out: more than %u different stacks and threads",
			s->left_out, MAX_PAIRS);
}

static void release(struct exporter *x)
{
	free(((struct state *)x->state)->pairs);
}

const struct export_ops export_folded = {
	.name = "folded",
	.summary = "stack samples of module cpu, a line a stack, for flame graph tools",
	.state_size = sizeof(struct state),
	.begin = begin,
	.event = collect,
	.end = end,
	.free = release,
	.content = "stack samples (module cpu takes them)",
};
