/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Nothing is paired across lost events: ends of epochs, and ranges of losses in the kernel. */
#include <errno.h>
#include <string.h>

#include "host/trace/missed.h"
#include "host/trace/pairer_internal.h"

#define MAX_ENDS 1024u /* of older epochs it is not known any more when they ended */

/* ---- epochs --------------------------------------------------------------------------------- */

uint64_t epoch_end(const struct pairer *p, uint32_t epoch)
{
	size_t lo = 0, hi = p->n_ends;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->ends[mid].epoch < epoch)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n_ends && p->ends[lo].epoch == epoch ? p->ends[lo].end_ns : UINT64_MAX;
}

int pairer_epoch_end(struct pairer *p, uint32_t epoch, uint64_t end_ns)
{
	struct epoch_end *ends;

	if (p->n_ends && p->ends[p->n_ends - 1].epoch >= epoch)
		return 0;
	if (p->n_ends == MAX_ENDS) {
		p->n_ends /= 2;
		memmove(p->ends, p->ends + p->n_ends, p->n_ends * sizeof(*p->ends));
	}
	ends = trace_grow(p->mem, p->ends, &p->cap_ends, p->n_ends + 1, sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	p->ends = ends;
	ends[p->n_ends++] = (struct epoch_end){.epoch = epoch, .end_ns = end_ns};
	return 0;
}

/* ---- losses in the kernel ------------------------------------------------------------------- */

/* Since its calls began, the oldest of which did at since_ns. */
static bool certainly_elsewhere(
	const struct pairer *p, const struct thread *t, const struct edge *edge, uint64_t since_ns)
{
	if (edge->cpu < 0 || t->cpu == edge->cpu)
		return false;
	if (t->idle)
		return true;
	if (!p->switches || p->cpus[t->cpu].running != t)
		return false;
	/* At the first edge it is elsewhere now; at the second it must have been so since its
	 * calls began, or have been guarded from the first on. */
	return edge->until_ns || t->guard_ns >= edge->t_ns || t->on_since_ns <= since_ns;
}

/* Known to run up to the first loss; behind it only its own events are known. */
static uint64_t known_until(const struct thread *t, const struct edge *edge)
{
	return edge->until_ns && edge->t_ns > t->last_ns ? edge->t_ns : t->last_ns;
}

static void pass(struct pairer *p, const struct edge *edge)
{
	struct thread *next;

	for (struct thread *t = p->listed; t; t = next) {
		uint64_t since_ns = t->n ? t->open[0].start_ns : missed_since(t);

		next = t->listed_next;
		/* Those that were found guilty long ago are no reason to cut what is open now. */
		if (t->n && missed_since(t) <= edge->t_ns &&
			!certainly_elsewhere(p, t, edge, missed_since(t)))
			missed_settle(p, t);
		if (!t->n && !missed_pending(t)) {
			thread_unlisted(p, t);
		} else if (certainly_elsewhere(p, t, edge, since_ns)) {
			if (edge->until_ns > t->guard_ns)
				t->guard_ns = edge->until_ns;
		} else if (since_ns <= edge->t_ns) {
			/* Told late, it may be before all that is open. */
			thread_close(p, t, known_until(t, edge));
			thread_unlisted(p, t);
		}
	}
}

static void next_edge(struct pairer *p)
{
	p->next_edge_ns = p->edge < p->n_edges ? p->edges[p->edge].t_ns : UINT64_MAX;
}

static void pass_next(struct pairer *p)
{
	struct edge edge = p->edges[p->edge++];

	pass(p, &edge);
}

void holes_pass(struct pairer *p, uint64_t t_ns)
{
	while (p->edge < p->n_edges && p->edges[p->edge].t_ns < t_ns)
		pass_next(p);
	next_edge(p);
}

int holes_add_edge(struct pairer *p, struct edge edge)
{
	struct edge *edges;
	size_t at;

	if (p->edge >= PAIRER_MAX_EDGES) {
		p->n_edges -= p->edge;
		memmove(p->edges, p->edges + p->edge, p->n_edges * sizeof(*p->edges));
		p->edge = 0;
	}
	edges = trace_grow(p->mem, p->edges, &p->cap_edges, p->n_edges + 1, sizeof(*edges));
	if (!edges)
		return -ENOMEM;
	p->edges = edges;
	for (at = p->n_edges++; at > p->edge && edges[at - 1].t_ns > edge.t_ns; at--)
		edges[at] = edges[at - 1];
	edges[at] = edge;
	next_edge(p);
	return 0;
}

int pairer_lost(struct pairer *p, uint64_t first_ns, uint64_t last_ns, int cpu)
{
	int err;

	if (!first_ns || last_ns < first_ns)
		return 0;
	/* No room for more: the next one is over ahead of its time. */
	while (p->n_edges - p->edge + 2 > PAIRER_MAX_EDGES)
		pass_next(p);
	err = holes_add_edge(p, (struct edge){.t_ns = first_ns, .until_ns = last_ns, .cpu = cpu});
	return err ? err : holes_add_edge(p, (struct edge){.t_ns = last_ns, .cpu = cpu});
}

/* ---- who is where --------------------------------------------------------------------------- */

/* A thread that is guarded left the CPU it was guarded on. */
static void break_guard(struct pairer *p, struct thread *t, uint64_t now_ns)
{
	if (t->guard_ns >= now_ns)
		thread_close(p, t, t->last_ns);
	t->guard_ns = 0;
}

void holes_seen(struct pairer *p, struct thread *t, const struct stage_event *e)
{
	struct cpu *c = &p->cpus[e->cpu];

	if (c->running && c->running != t)
		break_guard(p, c->running, e->t_ns);
	break_guard(p, t, e->t_ns);
	if (t->cpu != e->cpu && t->cpu < p->n_cpus && p->cpus[t->cpu].running == t)
		p->cpus[t->cpu].running = NULL;
	c->running = t;
	t->cpu = e->cpu;
	t->on_since_ns = e->t_ns;
}

void holes_switched(struct pairer *p, struct thread *t, const struct stage_event *e)
{
	if (p->cpus[e->cpu].running != t)
		return;
	break_guard(p, t, e->t_ns);
	p->cpus[e->cpu].running = NULL;
}
