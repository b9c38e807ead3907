/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What every kernel program shares: the maps (created once by the daemon, found by name) and the
 * one way an event leaves the kernel.
 *
 * Nothing here needs the kernel's BTF: an object that holds a single CO-RE relocation cannot be
 * loaded on a kernel without it, so contexts are read as plain words and never as kernel structs.
 * No subprograms (but for memory.bpf.c's *_loop, which have a twin without), and atomics only
 * behind params.atomic: the arm32 JIT has neither, and what params rule out is removed before it
 * looks. What the kernel's verifier has to look at is time that the start takes: loops of hundreds
 * of turns, and branches inside of unrolled ones, have cost seconds.
 */
#ifndef AYP_COMMON_BPF_H
#define AYP_COMMON_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "bpf/events.h"

char _license[] SEC("license") = "Dual MIT/GPL";

/*
 * An object whose module tells it more says so before it includes this:
 *	#include "bpf/NAME.h"
 *	#define OWN_PARAMS struct ayp_NAME_params
 * and finds it as own_params. One variable, so that the order of the two is no choice of the
 * compiler's.
 */
#ifdef OWN_PARAMS
const volatile struct {
	struct ayp_params all;
	OWN_PARAMS own;
} constants = {};
#define params     (constants.all)
#define own_params (constants.own)
#else
const volatile struct ayp_params params = {};
#endif

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_cell);
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_cpu_book);
} books SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ayp_task_seen);
} tasks SEC(".maps");

#define COUNTER_ADD(counter, n)                                                                    \
	do {                                                                                       \
		if (params.atomic)                                                                 \
			__sync_fetch_and_add(&(counter), (__u64)(n));                              \
		else                                                                               \
			(counter) += (n);                                                          \
	} while (0)

/*
 * Results of programs on tracepoints, kprobes and uprobes that belong to perf: with 0 the kernel
 * takes the event away from every other perf event on the same point, with another value they see
 * it (trace_call_bpf in kernel/trace/bpf_trace.c, perf_trace_run_bpf_submit in
 * kernel/events/core.c, kprobe_perf_func, __uprobe_perf_func). A raw tracepoint does not care; the
 * sample of a perf event of the daemon's own is dropped with 0, as nobody reads it.
 */
#define PERF_KEEPS 1

static __always_inline struct ayp_control *the_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline struct ayp_control *active_control(void)
{
	struct ayp_control *c = the_control();

	return c && c->active ? c : NULL;
}

/* The daemon, and who works for it. */
static __always_inline int is_own(const struct ayp_control *c, __u32 tgid)
{
	return tgid == c->self_tgid || tgid == c->helper_tgid[0] || tgid == c->helper_tgid[1];
}

/*
 * Waking the daemon for every event would record the wake-up, which is an event... The daemon looks
 * by itself every few milliseconds; it is woken only when the ring fills. Asking how full it is is
 * a call: not with every record, of which so many are a kilobyte or two.
 */
#define ASK_AFTER 32
static __always_inline __u64 wake_flags(struct ayp_cpu_book *book)
{
	if (book && ++book->unasked < ASK_AFTER)
		return BPF_RB_NO_WAKEUP;
	if (book)
		book->unasked = 0;
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= params.wake_bytes
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

static __always_inline struct ayp_cpu_book *cpu_book(__u32 cpu)
{
	return bpf_map_lookup_elem(&books, &cpu);
}

/* As task.bpf.c notes it. */
static __always_inline int in_interrupt(const struct ayp_cpu_book *book)
{
	return book && (book->in_softirq || book->in_hardirq);
}

/* A run that makes no event. */
static __always_inline void count_left_out(__u32 cpu, __u32 func, __u32 half, int own)
{
	__u32 index = cpu * params.n_funcs + func;
	struct ayp_cell *cell;

	if (func >= params.n_funcs)
		return;
	cell = bpf_map_lookup_elem(&cells, &index);
	if (!cell)
		return;
	if (own)
		COUNTER_ADD(cell->own[half], 1);
	else
		COUNTER_ADD(cell->idle[half], 1);
}

/* Count an attempt. NULL if the daemon knows no such function: nothing to emit. */
static __always_inline struct ayp_cell *count_event(__u32 cpu, __u32 func, __u32 half)
{
	__u32 index = cpu * params.n_funcs + func;
	struct ayp_cell *cell;

	if (func >= params.n_funcs)
		return NULL;
	cell = bpf_map_lookup_elem(&cells, &index);
	if (cell)
		COUNTER_ADD(cell->produced[half], 1);
	return cell;
}

static __always_inline void count_loss(struct ayp_cell *cell, __u32 half, struct ayp_cpu_book *book)
{
	COUNTER_ADD(cell->lost[half], 1);
	if (book) {
		__u64 now = bpf_ktime_get_ns();

		if (!book->first_lost_ns)
			book->first_lost_ns = now;
		book->last_lost_ns = now;
	}
}

/*
 * Tell the thread's name before its first event, and again when it has changed (exec, prctl, a tid
 * that lives a second life). Looked at only when the thread on this CPU is not the one of the last
 * look, or some thread has been renamed since (task.bpf.c). A name that finds no room in the ring
 * is told at the next chance.
 */
static __always_inline void identify(
	const struct ayp_control *c, __u64 id, __u32 cpu, struct ayp_cpu_book *book)
{
	struct ayp_task_seen now = {}, *seen;
	struct ayp_rec_task *rec;
	__u32 tid = id, renames = c->renames;

	if (!book || !tid || (book->last_tid == tid && book->renames == renames))
		return;
	now.tgid = id >> 32;
	bpf_get_current_comm(now.comm, sizeof(now.comm));
	seen = bpf_map_lookup_elem(&tasks, &tid);
	if (seen && seen->tgid == now.tgid && seen->comm[0] == now.comm[0] &&
		seen->comm[1] == now.comm[1]) {
		book->last_tid = tid;
		book->renames = renames;
		return;
	}
	if (seen && seen->tgid == now.tgid)
		now.exec = seen->exec;
	rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);
	if (!rec)
		return;
	rec->rec.t_ns = bpf_ktime_get_ns();
	rec->rec.tid = tid;
	rec->rec.func = 0;
	rec->rec.cpu = cpu;
	rec->rec.kind = AYP_REC_TASK;
	rec->tgid = now.tgid;
	rec->zero = 0;
	__builtin_memcpy(rec->comm, now.comm, sizeof(rec->comm));
	bpf_ringbuf_submit(rec, BPF_RB_NO_WAKEUP);
	bpf_map_update_elem(&tasks, &tid, &now, BPF_ANY);
	book->last_tid = tid;
	book->renames = renames;
}

enum emit_flags {
	EMIT_TASK = 0, /* what the current thread does; the daemon's own threads are left out */
	EMIT_CODE =
		3, /* the same for code that interrupts run too: those on the daemon's time count */
	EMIT_CPU = 1,     /* what happens to the CPU while some thread is current */
	EMIT_NO_TASK = 2, /* there is no current thread to ask for (XDP) */
};

/* kind, flags and nargs are constants at every use. */
static __always_inline void emit(
	__u32 func, __u32 kind, __u32 flags, __u32 nargs, __u64 a0, __u64 a1, __u64 a2, __u64 a3)
{
	__u32 half = kind == AYP_REC_EXIT ? AYP_HALF_END : AYP_HALF_BEGIN;
	struct ayp_control *c = the_control();
	struct ayp_cpu_book *book;
	struct ayp_cell *cell;
	struct ayp_rec *rec;
	__u64 id = 0, *args;
	__u32 cpu;

	if (!c || (flags != EMIT_CODE && !c->active))
		return;
	if (flags != EMIT_NO_TASK)
		id = bpf_get_current_pid_tgid();
	if (flags == EMIT_TASK && is_own(c, id >> 32))
		return;
	cpu = bpf_get_smp_processor_id();
	book = cpu_book(cpu);
	if (flags == EMIT_CODE) {
		int own = is_own(c, id >> 32) && !in_interrupt(book);

		if (own || !c->active) {
			count_left_out(cpu, func, half, own);
			return;
		}
	}
	cell = count_event(cpu, func, half);
	if (!cell)
		return;
	if (flags != EMIT_NO_TASK)
		identify(c, id, cpu, book);
	rec = bpf_ringbuf_reserve(&ring, sizeof(*rec) + nargs * sizeof(__u64), 0);
	if (!rec) {
		count_loss(cell, half, book);
		return;
	}
	/* Read the clock after reserving: a reservation may spin, and ring order is time order
	 * then. */
	rec->t_ns = bpf_ktime_get_ns();
	rec->tid = id;
	rec->func = func;
	rec->cpu = cpu;
	rec->kind = kind;
	args = (__u64 *)(rec + 1);
	if (nargs > 0)
		args[0] = a0;
	if (nargs > 1)
		args[1] = a1;
	if (nargs > 2)
		args[2] = a2;
	if (nargs > 3)
		args[3] = a3;
	bpf_ringbuf_submit(rec, wake_flags(book));
}

#define EMIT0(func, kind, flags) emit(func, kind, flags, 0, 0, 0, 0, 0)

/* A number of 4 or 8 bytes in kernel memory whose place the daemon found out. */
static __always_inline __u64 read_number(const void *base, __u32 offset, __u32 size)
{
	__u64 wide = 0;
	__u32 narrow = 0;

	if (size == 8) {
		bpf_probe_read_kernel(&wide, sizeof(wide), base + offset);
		return wide;
	}
	bpf_probe_read_kernel(&narrow, sizeof(narrow), base + offset);
	return narrow;
}

#endif
