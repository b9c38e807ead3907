/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/pairer.h"

#include <assert.h>
#include <errno.h>

#include "host/trace/lanes.h"
#include "host/trace/missed.h"
#include "host/trace/pairer_internal.h"

/* Steps that long searches may take for each event, all together: what a success passes over is
 * closed, so only failures cost, and a longjmp may leave any number of frames. */
#define SEARCH_EACH 16u

int pairer_new(struct pairer **p, const struct trace_memory *mem, uint64_t secret,
	struct pairer_output *out, uint16_t session, bool switches)
{
	*p = trace_alloc(mem, sizeof(**p));
	if (!*p)
		return -ENOMEM;
	**p = (struct pairer){
		.mem = mem,
		.out = out,
		.secret = secret | 1,
		.session = session,
		.switches = switches,
		.draws = out->sink->segment || out->points,
		.guesses = out->sink->segment || out->sink->call || out->points,
		.next_edge_ns = UINT64_MAX,
		.segments_left = LANES_FREE,
	};
	table_init(&(*p)->index, mem, secret);
	return 0;
}

void pairer_free(struct pairer *p)
{
	if (!p)
		return;
	threads_free(p);
	missed_free(p);
	trace_release(p->mem, p->edges);
	trace_release(p->mem, p->ends);
	trace_release(p->mem, p->ended);
	trace_release(p->mem, p);
}

/* ---- calls ---------------------------------------------------------------------------------- */

void call_give(struct pairer *p, const struct trace_call *c)
{
	if (c->flags & TRACE_CALL_NO_EXIT)
		p->out->totals->calls_no_exit++;
	if (c->id < p->marked_call)
		call_keep(p, c);
	if (p->out->sink->call)
		p->out->sink->call(p->out->sink_ctx, c);
}

/* End the innermost open call. */
static void close_top(struct pairer *p, struct thread *t, uint64_t end_ns, uint8_t flags)
{
	struct frame *f = stack_pop(t);
	uint64_t *inner_ns = t->n ? &t->open[t->n - 1].inner_ns : &t->inner_ns;
	uint64_t end = end_ns > f->start_ns ? end_ns : f->start_ns, length = end - f->start_ns;
	uint64_t same_ns = flags & TRACE_CALL_NO_EXIT ? f->same_ns : length;
	struct trace_call c = {
		.id = f->id,
		.start_ns = f->start_ns,
		.end_ns = end,
		.self_ns = length > f->inner_ns ? length - f->inner_ns : 0,
		.total_ns = f->same ? 0 : same_ns,
		.tid = t->idle ? 0 : (uint32_t)t->key,
		.func = f->func,
		.depth = (uint16_t)t->n,
		.session = p->session,
		.cpu = f->cpu,
		.flags = flags,
	};

	*inner_ns += length;
	if (f->same)
		t->open[f->same - 1].same_ns += same_ns;
	if (p->draws)
		lanes_closed(p, t, f, t->n, end);
	if (p->guesses)
		missed_closed(p, t, f, &c);
	else
		call_give(p, &c);
}

void calls_close(struct pairer *p, struct thread *t, size_t depth, uint64_t end_ns)
{
	while (t->n > depth)
		close_top(p, t, end_ns, TRACE_CALL_NO_EXIT);
}

void thread_close(struct pairer *p, struct thread *t, uint64_t end_ns)
{
	calls_close(p, t, 0, end_ns);
	missed_settle(p, t);
}

static int on_entry(
	struct pairer *p, struct thread *t, const struct stage_event *e, uint64_t now_ns, bool old)
{
	uint8_t traits = p->out->traits[e->func];
	struct frame *f;

	/* Whoever enters a syscall comes from user space: kernel calls that are still open never
	 * returned as such (rt_sigreturn), or their exits were missed. */
	if (traits & FUNC_SYSCALL && t->kernel_at)
		calls_close(p, t, t->kernel_at - 1, t->last_ns);
	if (traits & FUNC_SYSCALL && t->suspicion)
		missed_syscall(p, t);
	if (p->guesses && t->n)
		missed_entry(p, t, e->func);
	f = stack_push(p, t, e->func);
	if (!f)
		return -ENOMEM;
	f->start_ns = now_ns;
	f->id = p->out->next_call++;
	f->cpu = e->cpu;
	p->out->totals->calls++;
	if (old || t->n == PAIRER_MAX_DEPTH) {
		close_top(p, t, now_ns, TRACE_CALL_NO_EXIT);
		return 0;
	}
	if (traits & FUNC_KERNEL && !t->kernel_at)
		t->kernel_at = t->n;
	if (!t->listed)
		thread_listed(p, t);
	return 0;
}

static void on_exit_event(
	struct pairer *p, struct thread *t, const struct stage_event *e, uint64_t now_ns, bool old)
{
	uint16_t before;
	uint32_t at = old ? 0 : stack_find(p, t, e->func, &before);

	if (!old && t->suspicion && missed_exit(p, t, e->func, at ? t->open[at - 1].id : 0, now_ns))
		return;
	if (!at) {
		p->out->totals->orphan_exits++;
		return;
	}
	calls_close(p, t, at, t->last_ns);
	close_top(p, t, now_ns, 0);
}

/* ---- events --------------------------------------------------------------------------------- */

/* A new epoch: what is open of the thread ended with the one before. */
static void new_epoch(struct pairer *p, struct thread *t, uint32_t epoch, uint64_t now_ns)
{
	if (t->n || missed_pending(t)) {
		uint64_t end_ns = epoch_end(p, t->epoch);

		thread_close(p, t, end_ns < now_ns ? end_ns : now_ns);
	}
	t->epoch = epoch;
	if (epoch > p->epoch)
		p->epoch = epoch;
}

static void on_instant(
	struct pairer *p, struct thread *t, const struct stage_event *e, const uint64_t *args)
{
	if (!(p->out->traits[e->func] & FUNC_SWITCH))
		return;
	holes_switched(p, t, e);
	if (p->draws)
		lanes_switched(p, t, e, args);
}

int pairer_event(struct pairer *p, const struct stage_event *e, const uint64_t *args, bool late)
{
	struct thread *t;
	uint64_t now_ns;
	int err = 0;

	assert(stage_kind(e) < AYP_EVENT_KINDS);
	if (p->next_edge_ns < e->t_ns)
		holes_pass(p, e->t_ns);
	t = thread_of(p, e);
	if (!t)
		return -ENOMEM;
	if (!late && (p->cpus[e->cpu].running != t || t->cpu != e->cpu))
		holes_seen(p, t, e);
	if (e->epoch > t->epoch)
		new_epoch(p, t, e->epoch, e->t_ns);
	if (p->draws && !late) {
		lanes_seen(p, t, e);
		p->segments_left += LANES_PER_EVENT;
	}
	p->search_left += SEARCH_EACH;
	/* What comes late happened before, but its thread goes on from where it is. */
	now_ns = e->t_ns > t->last_ns ? e->t_ns : t->last_ns;
	/* From before the hole, although the thread was already seen behind it: belongs to
	 * nothing. */
	if (stage_kind(e) == AYP_ENTRY)
		err = on_entry(p, t, e, now_ns, e->epoch < t->epoch);
	else if (stage_kind(e) == AYP_EXIT)
		on_exit_event(p, t, e, now_ns, e->epoch < t->epoch);
	else if (!late)
		on_instant(p, t, e, args);
	t->last_ns = now_ns;
	return err;
}

void pairer_hasten(struct pairer *p, uint64_t before_ns)
{
	for (struct thread *t = p->n_held ? p->listed : NULL; t; t = t->listed_next)
		missed_hasten(p, t, before_ns);
}

int pairer_end(struct pairer *p, uint64_t last_ns)
{
	for (size_t i = 0; i < p->n_threads; i++) {
		struct thread *t = p->threads[i];
		uint64_t end_ns = epoch_end(p, t->epoch);

		thread_close(p, t, end_ns < last_ns ? end_ns : last_ns);
	}
	return 0;
}
