/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The maps all kernel programs share: made once, when every module has said how many function ids
 * there are; read through mappings, so looking at the books costs no system call.
 */
#ifndef TARGET_PROBES_MAPS_H
#define TARGET_PROBES_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

enum map_id {
	MAP_RING,
	MAP_CONTROL,
	MAP_CELLS,
	MAP_BOOKS,
	MAP_TASKS,
	MAP_AGAIN,
	MAP_INNERMOST,
	MAP_ALLOCS0, /* from here to MAP_MEM_SIZES: only with memory accounting */
	MAP_ALLOCS1,
	MAP_ALLOCS2,
	MAP_MEM_CELLS,
	MAP_MEM_SIZES,
	MAP_PLACES,
	MAP_USER_PLACES,
	MAP_COUNT
};

struct maps {
	int fd[MAP_COUNT]; /* -1: not made */
	size_t mapped[MAP_COUNT];
	int grace; /* map whose update waits for running programs */
	uint32_t cpus, n_funcs, n_sites;
	volatile struct ayp_control *control;
	const volatile struct ayp_cell *cells;
	const volatile struct ayp_cpu_book *books;
	const volatile struct ayp_mem_cell *mem_cells; /* NULL: memory is off */
	const volatile struct ayp_mem_size *mem_sizes; /* the same */
	struct ayp_place_bucket *places;               /* NULL: nobody has asked for it */
	struct ayp_user_places *user_places;           /* the same */
};

struct maps_sizes {
	size_t ring_bytes; /* a power of two and at least a page */
	uint32_t n_funcs;
	uint32_t n_sites;       /* 0: no memory accounting */
	size_t mem_table_bytes; /* for followed allocations */
};
/* On failure *what names the map that could not be made. */
int maps_create(struct maps *m, const struct maps_sizes *sizes, const char **what);
/* Has the kernel memory for such a ring now? */
bool maps_ring_fits(size_t ring_bytes);
/* The maps `places` and `user_places`, all zero, of so many buckets or rows; each once. 0 or a
 * negative errno. */
int maps_create_places(struct maps *m, size_t buckets);
int maps_create_user_places(struct maps *m, size_t rows_wanted);
void maps_destroy(struct maps *m);

/* The map's name in the objects, and its descriptor by that name (-1 if none). */
int maps_fd_by_name(const struct maps *m, const char *name);

/* Begin to count and emit (true), or stop. self: the daemon's process id as the kernel's programs
 * see it (pid_space.h). */
void maps_set_active(struct maps *m, bool active, uint32_t self);
/* Processes that are left out as the daemon itself is; AYP_NO_PROCESS: none. */
void maps_set_helpers(struct maps *m, uint32_t a, uint32_t b);
/* Until every program that runs now has ended; after a stop none is about to emit then. */
void maps_wait(const struct maps *m);

/* Sums over all CPUs. */
uint64_t maps_begun(const struct maps *m, uint32_t func); /* entries or instants */
/* How often a function's program ran, events or not. */
uint64_t maps_runs(const struct maps *m, uint32_t func, enum ayp_cell_half half);
/* Of the daemon's own calls, entries without an exit: outside of any call, exits it missed. */
int64_t maps_own_open(const struct maps *m, uint32_t func);
/* Runs of programs that did not know for which function. */
uint64_t maps_strays(const struct maps *m);
uint64_t maps_produced(const struct maps *m);
/* Events of one CPU that found no room in the ring. */
uint64_t maps_lost(const struct maps *m, uint32_t cpu);

#endif
