/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int stacks_add(struct stacks *s, const ayaprof_Stack *stack)
{
	size_t n = stack->symbols_count;
	struct stack *copy = malloc(sizeof(*copy) + n * sizeof(copy->symbols[0]));

	if (!copy)
		return -ENOMEM;
	*copy = (struct stack){stack->id, stack->tgid, stack->kernel_frames, (uint32_t)n};
	memcpy(copy->symbols, stack->symbols, n * sizeof(copy->symbols[0]));
	free(s->ring[s->end % STACKS_MAX]);
	s->ring[s->end++ % STACKS_MAX] = copy;
	return 0;
}

uint64_t stacks_begin(const struct stacks *s)
{
	return s->end > STACKS_MAX ? s->end - STACKS_MAX : 0;
}

bool stacks_get(const struct stacks *s, uint64_t position, ayaprof_Stack *stack)
{
	const struct stack *from;

	if (position >= s->end || position < stacks_begin(s))
		return false;
	from = s->ring[position % STACKS_MAX];
	stack->id = from->id;
	stack->tgid = from->tgid;
	stack->kernel_frames = from->kernel_frames;
	stack->symbols_count = (pb_size_t)from->n;
	memcpy(stack->symbols, from->symbols, from->n * sizeof(from->symbols[0]));
	return true;
}

void stacks_free(struct stacks *s)
{
	for (size_t i = 0; i < STACKS_MAX; i++)
		free(s->ring[i]);
	memset(s, 0, sizeof(*s));
}
