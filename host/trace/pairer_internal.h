/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How the pairer keeps threads and their open calls: for pairer.c, pairer_state.c, threads.c,
 * holes.c, missed.c, ghosts.c and lanes.c only. */
#ifndef HOST_TRACE_PAIRER_INTERNAL_H
#define HOST_TRACE_PAIRER_INTERNAL_H

#include "host/trace/pairer.h"
#include "host/trace/table.h"

#define CHAINS      32u                 /* of open calls, by function */
#define IDLE_THREAD (UINT64_C(1) << 32) /* tid 0 of CPU n: IDLE_THREAD | n */

/* What has been called directly in a call, or in a thread, and left so far: for missed.c. Some
 * functions here, more in a set of their own. */
#define LEVEL_FUNCS 8u
struct level {
	uint16_t beside[LEVEL_FUNCS];
	uint16_t big; /* index of a set + 1; 0: none */
	uint8_t n;    /* in beside */
	bool blind;   /* there was no room for all: says nothing */
};

enum frame_flags {
	FRAME_DOUBTFUL = 1u << 0,  /* a doubt of its thread began in it */
	FRAME_NEW_PAIRS = 1u << 1, /* something was called in it that its function is not known
				    * to call */
};

/*
 * An open call. Places in the stack are its index + 1, 0 is none. Of each function the innermost
 * call hangs in the chain of its function; `same` leads to the next one of the same function,
 * which takes its place in the chain again, behind `before`, when this one ends.
 */
struct frame {
	uint64_t start_ns;
	uint64_t id;
	uint64_t inner_ns; /* direct children that have ended */
	uint64_t
		same_ns; /* what calls of its function within it would add to its function's time */
	struct level level;
	uint16_t func;
	uint16_t next, same, before;
	uint8_t cpu;
	uint8_t flags;
};
_Static_assert(sizeof(struct frame) == 64, "there may be a million");

struct suspicion; /* missed.c */

struct thread {
	uint64_t key;
	uint64_t last_ns;   /* its newest event */
	struct frame *open; /* outermost first */
	uint32_t n, cap;
	uint32_t kernel_at;     /* place of the outermost open kernel call */
	uint32_t epoch;         /* of its open calls */
	uint16_t chain[CHAINS]; /* place of the innermost call */
	uint64_t on_since_ns;   /* on its CPU since */
	uint64_t guard_ns; /* must stay on its CPU until then, or its open calls are in doubt */
	uint8_t cpu;
	bool idle;
	bool listed;               /* in pairer.listed */
	int16_t on_cpu;            /* lanes: where it runs, -1: none known */
	uint32_t n_shown;          /* lanes: so many of the open calls have had a segment before */
	uint32_t index;            /* in pairer.threads */
	uint32_t index_in_state;   /* for pairer_state.c only */
	uint64_t came_ns, left_ns; /* lanes: on its CPU since, or off it */
	uint64_t closed_ns;        /* end of the call that ended last */
	uint64_t inner_ns;         /* outermost calls that have ended */
	struct level level;
	struct suspicion *suspicion;  /* NULL: none so far */
	struct thread *newer, *older; /* by last seen */
	struct thread *listed_next, *listed_before;
};

struct cpu {
	struct thread *seen;    /* last */
	struct thread *running; /* seen last and not switched out since */
	/* Lanes: who runs here; or NULL, and since when, and who comes next, if that is known. */
	struct thread *drawn;
	uint64_t left_ns;
	uint64_t next_key;
	bool left, has_next;
};

/* One edge of a range of kernel losses. */
struct edge {
	uint64_t t_ns;
	uint64_t until_ns; /* first edge: where the range ends; second: 0 */
	int cpu;           /* -1: any */
};

struct epoch_end {
	uint64_t end_ns;
	uint32_t epoch;
};

struct set; /* missed.c */

struct pairer {
	const struct trace_memory *mem;
	struct pairer_output *out;
	uint64_t secret;
	uint16_t session;
	bool switches;
	bool draws;           /* segments are wanted */
	bool guesses;         /* missed exits matter to somebody */
	uint32_t epoch;       /* newest */
	uint64_t search_left; /* steps that long searches may take, all together */

	struct cpu *cpus;
	size_t n_cpus, cap_cpus;
	struct thread **threads;
	size_t n_threads, cap_threads;
	struct table index;             /* key -> threads */
	struct thread *newest, *oldest; /* by last seen */
	struct thread *spare;           /* forgotten ones, by `older` */
	struct thread *listed;          /* all threads that may have open calls are in it */
	size_t n_frames;                /* room for open calls, of all threads */

	uint64_t next_edge_ns; /* UINT64_MAX: none */
	struct edge *edges;    /* ascending, [edge..n_edges) not passed yet */
	size_t n_edges, edge, cap_edges;
	struct epoch_end *ends; /* ascending */
	size_t n_ends, cap_ends;

	uint64_t segments_left;

	uint64_t marked_call; /* calls with lower ids are kept in `ended`, too; 0: none */
	struct trace_call *ended;
	size_t n_ended, cap_ended;
	bool ended_lost; /* there were too many */

	struct set **sets; /* of levels */
	size_t n_sets, cap_sets, free_set;
	size_t set_slots;  /* of all sets */
	uint8_t *pairs;    /* which functions call which, bits; or NULL */
	size_t n_held;     /* calls that are set aside, all threads */
	size_t ghost_room; /* all threads */
};

/* ---- threads.c ------------------------------------------------------------------------------ */

/* Of an event; made if it is new, another one may go for it. NULL: out of memory. */
struct thread *thread_find(struct pairer *p, const struct stage_event *e);
static inline struct thread *thread_of(struct pairer *p, const struct stage_event *e)
{
	struct thread *t = e->cpu < p->n_cpus ? p->cpus[e->cpu].seen : NULL;

	return t && t->key == (e->tid ? e->tid : IDLE_THREAD | e->cpu) ? t : thread_find(p, e);
}
struct thread *thread_known(const struct pairer *p, uint32_t tid, uint8_t cpu); /* or NULL */
void thread_listed(struct pairer *p, struct thread *t);
void thread_unlisted(struct pairer *p, struct thread *t);
void threads_free(struct pairer *p);

static inline unsigned int chain_of(uint16_t func)
{
	return (unsigned int)(func * 0x9e3779b1u >> 27) % CHAINS;
}
/* The thread of this key in a pairer that has none yet, seen last. NULL: there is one, or no
 * memory. */
struct thread *thread_restore(struct pairer *p, uint64_t key);
bool cpus_reach(struct pairer *p, size_t n);
/* Place of the innermost open call of a function, or 0. *before: what is before it in its
 * chain. */
uint32_t stack_find(struct pairer *p, const struct thread *t, uint16_t func, uint16_t *before);
/* Adds a call, of zeros but for chain and function; NULL: out of memory. */
struct frame *stack_push(struct pairer *p, struct thread *t, uint16_t func);
/* Removes the innermost call; what it was is still readable until the next push. */
struct frame *stack_pop(struct thread *t);

/* ---- pairer.c ------------------------------------------------------------------------------- */

/* End the calls from this depth on, without an exit. */
void calls_close(struct pairer *p, struct thread *t, size_t depth, uint64_t end_ns);
/* The same with all that is open, and with what may yet turn out to be. */
void thread_close(struct pairer *p, struct thread *t, uint64_t end_ns);
/* Count and give it. */
void call_give(struct pairer *p, const struct trace_call *c);

/* ---- pairer_state.c ------------------------------------------------------------------------- */

void call_keep(struct pairer *p, const struct trace_call *c);

/* ---- holes.c -------------------------------------------------------------------------------- */

uint64_t epoch_end(const struct pairer *p, uint32_t epoch); /* UINT64_MAX: not known */
int holes_add_edge(struct pairer *p, struct edge edge);     /* 0 or -ENOMEM */
/* Edges before this time are over. */
void holes_pass(struct pairer *p, uint64_t t_ns);
/* The thread of an event runs on its CPU. */
void holes_seen(struct pairer *p, struct thread *t, const struct stage_event *e);
void holes_switched(struct pairer *p, struct thread *t, const struct stage_event *e);

static inline struct level *level_below(struct thread *t, size_t depth)
{
	return depth ? &t->open[depth - 1].level : &t->level;
}

#endif
