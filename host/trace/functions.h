/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Ids of functions that mean the same in every session.
 *
 * In: names, exact totals, and ids that events use, of each session. Out: ids of the trace. Those
 * of one session, the *line's*, are the ids of the trace; its functions go first. The others get the
 * id of a function of the same class, name and owner, or a new one. When ids run out the last one
 * stands for all that found no place.
 *
 * Holds TRACE_MAX_FUNCS functions of 72 bytes at most and FUNCTIONS_MAX_EXACT rows of exact totals;
 * rows beyond are counted in names->left_out.
 */
#ifndef HOST_TRACE_FUNCTIONS_H
#define HOST_TRACE_FUNCTIONS_H

#include "host/trace/known_names.h"
#include "host/trace/stage.h"

#define FUNCTIONS_MAX_EXACT 262144u
#define FUNCTIONS_NONE      UINT32_MAX

struct exact_row {
	uint64_t count, alloc_bytes, free_bytes, alloc_count, free_count;
	uint32_t next; /* of the session, in the order they came; or FUNCTIONS_NONE */
	uint16_t func; /* as on the line */
};

/* What a session has, in the order it came; made by functions_session_init(). */
struct session_functions {
	uint32_t first_name, last_name; /* struct name, or NAMES_NONE */
	uint32_t first_exact, last_exact;
};

struct functions {
	const struct trace_memory *mem;
	struct known_names *names;
	struct trace_func *func; /* name NULL: nothing refers to this id */
	size_t n, cap;
	uint8_t *traits; /* enum func_traits; TRACE_MAX_FUNCS */
	bool *ours;      /* the line's id is used by the line's session; TRACE_MAX_FUNCS */
	int line;        /* session whose ids are the trace's; -1: not known yet */
	bool moved;      /* some ids of that session had been given to others */
	struct table by_name, by_written, by_wire;
	/* Of the session that was asked for last; TRACE_MAX_FUNCS, FUNCTIONS_NONE: not asked yet. */
	uint32_t *map;
	int map_session;
	struct exact_row *exact;
	size_t n_exact, cap_exact;
	struct table exact_index;
	char *room;
	void (*changed)(void *ctx, uint16_t func); /* or NULL */
	void *changed_ctx;
};

int functions_init(struct functions *f, struct known_names *names, const struct trace_memory *mem,
	uint64_t secret);
void functions_free(struct functions *f);
void functions_session_init(struct session_functions *s);

/* The ids of `session` are the line's from now on. All sessions are entered then, this one first. */
void functions_begin(struct functions *f, uint16_t session);
/* All that a session has had so far. Returns 0 or -ENOMEM. */
int functions_enter(struct functions *f, uint16_t session, const struct session_functions *s);

/* A name that is new (known_names_put()). */
int functions_named(
	struct functions *f, uint16_t session, struct session_functions *s, uint32_t name);
/* Exact totals; they only grow: one with a lower count is a repeat from before. */
int functions_exact(struct functions *f, uint16_t session, struct session_functions *s,
	const ayaprof_Aggregate *row);

/* Make sure that all ids in `used`, a set of TRACE_MAX_FUNCS bits, are known. *map: from ids of this
 * session to those of the trace, until the next call; NULL: they are the same. */
int functions_use(
	struct functions *f, uint16_t session, const uint64_t *used, const uint32_t **map);

/* The same for one id. */
int functions_id(struct functions *f, uint16_t session, uint16_t wire, uint16_t *id);

/* Of any of these functions a switch of threads? For the names that a session has. */
bool functions_switches(
	const struct functions *f, uint16_t session, const struct session_functions *s);

#endif
