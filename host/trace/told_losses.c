/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/told_losses.h"

#include <errno.h>

#include "host/trace/ledger.h"

static bool told_before(const struct told_loss *a, const struct told_loss *b, bool by_cause)
{
	const struct loss_row *x = &a->row, *y = &b->row;

	if (by_cause && x->cause != y->cause)
		return x->cause < y->cause;
	if (by_cause && x->cpu != y->cpu)
		return x->cpu < y->cpu;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns;
	if (x->last_ns != y->last_ns)
		return x->last_ns < y->last_ns;
	if (x->cause != y->cause)
		return x->cause < y->cause;
	return x->cpu < y->cpu;
}

static void sift_down(struct told_loss *at, size_t i, size_t n, bool by_cause)
{
	struct told_loss moving = at[i];

	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		child += child + 1 < n && told_before(&at[child], &at[child + 1], by_cause);
		if (!told_before(&moving, &at[child], by_cause))
			break;
		at[i] = at[child];
	}
	at[i] = moving;
}

/* In place, never worse than n log n. Equal ones are the same, so their order says nothing. */
static void sort(struct told_losses *t, bool by_cause)
{
	for (size_t i = 1; i < t->n; i++) {
		if (!told_before(&t->at[i], &t->at[i - 1], by_cause))
			continue;
		for (size_t k = t->n / 2; k-- > 0;)
			sift_down(t->at, k, t->n, by_cause);
		for (size_t end = t->n; end-- > 1;) {
			struct told_loss last = t->at[end];

			t->at[end] = t->at[0];
			t->at[0] = last;
			sift_down(t->at, 0, end, by_cause);
		}
		return;
	}
}

static bool same_range(const struct loss_row *a, const struct loss_row *b)
{
	return a->cause == b->cause && a->cpu == b->cpu && a->first_ns == b->first_ns &&
	       a->last_ns == b->last_ns;
}

/* Ranges of one cause and CPU two by two. */
static void join_neighbours(struct told_losses *t)
{
	size_t kept = 0;
	bool alone = true; /* the last one kept stands for one only */

	sort(t, true);
	for (size_t i = 0; i < t->n; i++) {
		struct told_loss *k = kept ? &t->at[kept - 1] : NULL, *e = &t->at[i];

		if (!k || !alone || k->row.cause != e->row.cause || k->row.cpu != e->row.cpu) {
			t->at[kept++] = *e;
			alone = true;
			continue;
		}
		k->row.count = ledger_add(k->row.count, e->row.count);
		k->left = ledger_add(k->left, e->left);
		k->row.breaks |= e->row.breaks;
		if (e->row.last_ns > k->row.last_ns)
			k->row.last_ns = e->row.last_ns;
		alone = false;
	}
	t->n = kept;
}

int told_add(struct told_losses *t, const struct trace_memory *mem, const struct loss_row *row)
{
	struct told_loss *at;

	if (t->n > t->next && same_range(&t->at[t->n - 1].row, row)) {
		at = &t->at[t->n - 1];
		at->row.count = ledger_add(at->row.count, row->count);
		at->left = ledger_add(at->left, row->count);
		return 0;
	}
	if (t->n >= TOLD_LOSSES_MAX)
		join_neighbours(t);
	at = trace_grow(mem, t->at, &t->cap, t->n + 1, sizeof(*at));
	if (!at)
		return -ENOMEM;
	t->at = at;
	at[t->n++] = (struct told_loss){.row = *row, .left = row->count};
	return 0;
}

void told_sort(struct told_losses *t)
{
	sort(t, false);
}
