/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/attacher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "target/base/log.h"
#include "target/base/memory.h"
#include "target/probes/kernel_symbols.h"
#include "target/probes/link_missed.h"

/* Enough for a server's threads where memory is plenty. The kernel takes no more than MOST. */
#define SLOTS_MOST  4096u
#define SLOTS_LEAST 64u
/* All slots together take no more than this part of the memory. */
#define MEMORY_SHARE 64u
/* Nor more than this, whatever is asked for. */
#define MOST_SHARE 4u
/* A slot is a struct kretprobe_instance or rethook_node in an allocation of its own; since Linux
 * 6.7 (b4edb8d2d464) also a place in a ring per CPU, each sized to a power of two. */
#define SLOT_BYTES         128u
#define SLOT_BYTES_PER_CPU 16u

/* That all functions' slots take no more than `share` of the memory. */
static uint64_t slots_in(uint64_t share, size_t n_functions)
{
	uint64_t each = SLOT_BYTES + SLOT_BYTES_PER_CPU * (uint64_t)sysconf(_SC_NPROCESSORS_CONF);

	return share / each / (n_functions ? n_functions : 1);
}

/* What was asked for, unless it would take the board's memory. */
static uint32_t limit_slots(uint32_t asked, size_t n_functions)
{
	uint64_t memory = memory_of_board();
	uint64_t most = slots_in(memory / MOST_SHARE, n_functions);

	if (!memory || asked <= most)
		return asked;
	most = most ? most : 1;
	log_warn("--return-slots %u for each of %zu functions is more than a quarter of this "
		 "board's memory: it is %llu",
		asked, n_functions, (unsigned long long)most);
	return (uint32_t)most;
}

static uint32_t choose_slots(size_t n_functions)
{
	uint64_t slots = slots_in(memory_of_board() / MEMORY_SHARE, n_functions);

	return slots > SLOTS_MOST    ? SLOTS_MOST
	       : slots < SLOTS_LEAST ? SLOTS_LEAST
				     : (uint32_t)slots;
}

int attacher_open(struct attacher *a, struct maps *maps, const struct ayp_params *params,
	uint32_t slots, size_t n_functions)
{
	*a = (struct attacher){.maps = maps,
		.slots = slots ? limit_slots(slots, n_functions) : choose_slots(n_functions)};
	return program_copies_open(&a->copies, maps, params);
}

void attacher_detached(struct attacher *a)
{
	kprobe_events_free(&a->events);
	uprobe_events_free(&a->uprobes);
	a->noted_events = 0;
}

void attacher_attached(struct attacher *a)
{
	if (KERNEL_CODE_READ)
		kernel_code_close(a->code);
	a->code = NULL;
}

void attacher_close(struct attacher *a)
{
	attacher_detached(a);
	program_copies_close(&a->copies);
	attacher_attached(a);
	free(a->counting);
	free(a->pooled);
	a->counting = NULL;
	a->pooled = NULL;
	a->n_counting = a->n_pooled = 0;
}

/* ---- addresses ------------------------------------------------------------------------------- */

struct look {
	struct attacher *a;
	struct function_target **sorted;
	size_t n;
};

static int by_symbol(const void *a, const void *b)
{
	const struct function_target *const *x = a, *const *y = b;

	return strcmp((*x)->symbol, (*y)->symbol);
}

static int compare_symbol(const void *key, const void *row)
{
	return strcmp(key, (*(const struct function_target *const *)row)->symbol);
}

static int on_symbol(void *ctx, const char *name, uint64_t address)
{
	struct look *l = ctx;
	struct function_target **at;

	/* fprobe's handler of returns while they went through rethook's pool of nodes (Linux 5.18,
	 * 5b0ab78998e3, to 6.13); fprobe on fgraph (6.14, 4346ba160409) has another. */
	if (!strcmp(name, "fprobe_exit_handler"))
		l->a->node_pool = true;
	if (KERNEL_CODE_READ && l->a->code)
		kernel_code_symbol(l->a->code, name, address);
	at = bsearch(name, l->sorted, l->n, sizeof(*l->sorted), compare_symbol);
	/* The kernel takes the first of several, too. */
	if (at && !(*at)->address)
		(*at)->address = address;
	else if (at && (*at)->address != address)
		(*at)->ambiguous = true;
	return 0;
}

/* From Linux 6.10 on the trampoline of arm64's return probes traps, with interrupts off; arm's does
 * not. */
static bool returns_pass_over(void)
{
	unsigned int major, minor;
	struct utsname u;

	return sizeof(void *) == 4 ||
	       (!uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
		       (major < 6 || (major == 6 && minor < 10)));
}

static void open_code(struct attacher *a)
{
	int err = 0;

	if (!KERNEL_CODE_READ || !returns_pass_over())
		return;
	a->code = kernel_code_open(a->maps, a->copies.params, &err);
	if (!a->code)
		log_detail("latency: the kernel's code cannot be read (%s): calls end by return "
			   "probes",
			strerror(-err));
}

void attacher_look(struct attacher *a, struct function_targets *t)
{
	struct look l = {.a = a};
	size_t i;

	if (a->looked)
		return;
	a->looked = true;
	l.sorted = calloc(t->n ? t->n : 1, sizeof(*l.sorted));
	if (!l.sorted)
		return;
	for (i = 0; i < t->n; i++)
		if (!t->at[i].path)
			l.sorted[l.n++] = &t->at[i];
	qsort(l.sorted, l.n, sizeof(*l.sorted), by_symbol);
	open_code(a);
	kernel_addresses_each(on_symbol, &l);
	free(l.sorted);
}

/* ---- books ----------------------------------------------------------------------------------- */

int attacher_note_links(struct attacher *a, const struct fd_list *links, size_t first, bool shared)
{
	size_t i, made = a->events.n - a->noted_events;
	int *grown = realloc(a->counting, (a->n_counting + links->n - first + 1) * sizeof(*grown));
	uint64_t missed;

	if (!grown)
		return -ENOMEM;
	a->counting = grown;
	a->noted_events = a->events.n;
	for (i = first; i < links->n; i++) {
		bool counts = !link_missed(links->fd[i], &missed);

		a->links_count |= counts;
		if (counts && !shared)
			a->counting[a->n_counting++] = links->fd[i];
		else if (made)
			made--; /* kprobe_profile counts instead */
		else
			a->silent++;
	}
	return 0;
}

int attacher_note_function(struct attacher *a, uint16_t func)
{
	uint16_t *grown = realloc(a->pooled, (a->n_pooled + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	a->pooled = grown;
	a->pooled[a->n_pooled++] = func;
	return 0;
}

static uint64_t missed_by_links(const struct attacher *a)
{
	uint64_t sum = 0, missed;
	size_t i;

	for (i = 0; i < a->n_counting; i++)
		if (!link_missed(a->counting[i], &missed))
			sum += missed;
	return sum;
}

static uint64_t runs_of_events(const struct attacher *a)
{
	uint64_t runs = 0;
	size_t i;

	for (i = 0; i < a->events.n; i++) {
		const struct kprobe_event *e = &a->events.at[i];

		if (!e->more)
			runs += maps_runs(a->copies.maps, e->func,
				e->place == KPROBE_ENTRY ? AYP_HALF_BEGIN : AYP_HALF_END);
	}
	return runs;
}

/*
 * A probe is live before its program is attached to it: what it was hit until then is no miss. Here
 * the hits are read last, so that what comes in between counts as such, too, and the closest of
 * some readings is taken.
 */
void attacher_begin(struct attacher *a)
{
	uint64_t hits, missed, runs, least = UINT64_MAX;
	unsigned int i;

	a->hits_before = 0;
	for (i = 0; i < 5 && least && a->events.n && !a->links_count; i++) {
		runs = runs_of_events(a);
		if (kprobe_events_read(&a->events, false, &hits, &missed))
			return;
		if (hits <= runs)
			least = 0;
		else if (hits - runs < least)
			least = hits - runs;
	}
	if (least != UINT64_MAX)
		a->hits_before = least;
}

/*
 * Of an event of many functions the link tells the first one's misses only, so there this is needed
 * on every kernel. Before 6.7 beside what kprobe_profile calls missed, a hit inside of another
 * program is passed over in silence (trace_call_bpf; counted from dd8657894c11 on): it counts as a
 * hit, but no program ran. The hits are read first, so that this is never too much.
 */
static uint64_t missed_by_profile(const struct attacher *a)
{
	uint64_t hits, missed, runs;

	if (!a->events.n || kprobe_events_read(&a->events, a->links_count, &hits, &missed))
		return 0;
	if (a->links_count)
		return missed + maps_strays(a->maps);
	hits -= hits < a->hits_before ? hits : a->hits_before;
	runs = runs_of_events(a);
	/* A hit whose program has not come to its counter yet is none that was passed over. */
	if (hits > runs) {
		maps_wait(a->copies.maps);
		runs = runs_of_events(a);
	}
	return missed + (hits > runs ? hits - runs : 0);
}

uint64_t attacher_misses(const struct attacher *a)
{
	uint64_t missed = missed_by_links(a) + missed_by_profile(a);
	int64_t own = 0;
	size_t i;

	/* The kernel counts the daemon's own calls, too, which are no events. */
	for (i = 0; i < a->n_pooled; i++)
		own += maps_own_open(a->copies.maps, a->pooled[i]);
	if (own > 0)
		missed -= (uint64_t)own < missed ? (uint64_t)own : missed;
	return missed + program_copies_misses(&a->copies);
}
