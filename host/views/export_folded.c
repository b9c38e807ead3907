/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stack samples as folded stacks: a line for each thread and stack, outermost frame first,
 * separated by semicolons, then how often it was seen. What flame graph tools read.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "host/base/grow.h"
#include "host/views/export.h"

struct state {
	uint64_t *seen; /* stack id << 32 | thread id, one a sample */
	size_t n, cap;
};

static void collect(struct exporter *x, const struct model_event *e)
{
	struct state *s = x->state;
	uint64_t *grown;

	if (model_func(x->m, e->func)->cls != AYP_CLASS_SAMPLE || e->nargs == 0)
		return;
	grown = grow_array(s->seen, &s->cap, s->n + 1, sizeof(*grown));
	if (!grown) {
		x->failed = true;
		return;
	}
	s->seen = grown;
	s->seen[s->n++] = x->m->args[e->arg_at] << 32 | e->tid;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Semicolons and line ends are the format's own. */
static void write_frame(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name == ';' ? ':' : *name == '\n' ? ' ' : *name, out);
}

static void write_stack(struct exporter *x, uint64_t key, size_t count)
{
	const struct model_stack *stack = model_stack(x->m, (uint32_t)(key >> 32));
	const struct model_task *task = model_task(x->m, (uint32_t)key);

	if (task)
		write_frame(x->out, task->comm);
	else if ((uint32_t)key)
		fprintf(x->out, "thread %" PRIu32, (uint32_t)key);
	else
		fputs("idle", x->out);
	if (!stack)
		fputs(";[stack not received]", x->out);
	for (uint32_t i = stack ? stack->n : 0; i > 0; i--) {
		fputc(';', x->out);
		write_frame(x->out, model_symbol(x->m, stack->symbols[i - 1]));
		/* As flame graph tools colour them. */
		if (i <= stack->kernel_frames)
			fputs("_[k]", x->out);
	}
	fprintf(x->out, " %zu\n", count);
}

static void end(struct exporter *x)
{
	struct state *s = x->state;

	if (s->n)
		qsort(s->seen, s->n, sizeof(*s->seen), by_value);
	for (size_t i = 0, next; i < s->n; i = next) {
		for (next = i; next < s->n && s->seen[next] == s->seen[i]; next++)
			;
		write_stack(x, s->seen[i], next - i);
	}
	free(s->seen);
}

const struct export_ops export_folded = {
	.name = "folded",
	.summary = "stack samples of module cpu, a line a stack, for flame graph tools",
	.state_size = sizeof(struct state),
	.event = collect,
	.end = end,
};
