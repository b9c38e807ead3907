/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names by table and id: told once, referred to afterwards. Function ids are never reused.
 *
 * A name is announced when it is first used (names_use), when it changes, and when it comes into
 * use again after a long pause; meanwhile the stream repeats it for hosts that attach late. Unused
 * names (400 syscalls) cost no line bytes.
 *
 * Memory is bounded: at most NAMES_MAX_FUNCS functions, NAMES_MAX_TASKS tasks (the one unused for
 * longest gives way) and NAMES_MAX_OTHERS interfaces and symbols together (then -ENOSPC).
 */
#ifndef TARGET_SOURCE_NAMES_H
#define TARGET_SOURCE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"
#include "proto/event.h"

#define NAMES_MAX_FUNCS     65536u
#define NAMES_MAX_TASKS     16384u
#define NAMES_MAX_OTHERS    65536u
#define NAMES_MAX_LISTENERS 4u
/* Ticks (names_tick) without use after which a name is announced anew when it is used again. */
#define NAMES_IDLE_TICKS 10u

struct name {
	uint8_t table; /* ayaprof_Table */
	uint8_t cls;   /* enum ayp_class for functions */
	bool used;
	uint8_t news; /* private: bit per listener that has not heard it yet */
	uint32_t id;
	uint32_t owner;
	uint32_t last_use; /* private: tick */
	uint64_t since_ns; /* of tasks: when they were first seen so; 0: not known */
	char *text;        /* owned; "" when known to have no name: never announced */
	char *owner_name;  /* owned, may be NULL */
};

struct names;

struct names *names_new(void);
void names_free(struct names *n);

/* Reserve the next `count` function ids; returns the first, or -ENOSPC when 16 bits are exhausted.
 */
int names_reserve_funcs(struct names *n, unsigned int count);
/* How many function ids have been reserved so far: the size of per-function kernel maps. */
unsigned int names_func_count(const struct names *n);

/* Set a reserved function's class and name. Returns 0, -EINVAL if it is not reserved, or -ENOMEM.
 */
int names_set_func(
	struct names *n, uint16_t id, enum ayp_class cls, const char *text, const char *owner_name);
/* Reserve one id and set it. Returns the id or a negative errno. */
int names_add_func(struct names *n, enum ayp_class cls, const char *text, const char *owner_name);

/* Set or replace a name of another table (a replaced one that is in use is announced again).
 * 0, -ENOMEM, or -ENOSPC when the table is full. */
int names_set(struct names *n, ayaprof_Table table, uint32_t id, uint32_t owner, const char *text,
	const char *owner_name);

/* names_set of a thread that is in process tgid, with the moment (CLOCK_MONOTONIC) at which it was
 * first seen under this name. */
int names_set_task(
	struct names *n, uint32_t tid, uint32_t tgid, const char *comm, uint64_t since_ns);

/* NULL if unknown. Valid until the next call that sets a name. */
const struct name *names_get(const struct names *n, ayaprof_Table table, uint32_t id);

/* Mark a name as used: it will be announced before the next event block. Cheap when already used.
 * False if there is no such name. */
bool names_use(struct names *n, ayaprof_Table table, uint32_t id);

/* A second has passed. */
void names_tick(struct names *n);
/* Used within the last NAMES_IDLE_TICKS ticks. */
bool names_recent(const struct names *n, const struct name *name);

/* Used names in the order they were first used: the stream cycles through them for repetition.
 * NULL past the end. An index stays what it is, but a task's may pass to another task. */
const struct name *names_used_at(const struct names *n, size_t index);
size_t names_used_count(const struct names *n);

/* Announcements: each listener has a queue that holds every name of its tables at most once, so one
 * that does not listen for long costs no more memory than there are names. `tables`: a bit
 * NAMES_TABLE(table) for each. Register before the first name is used. Returns the listener's
 * number, -ENOSPC or -ENOMEM. */
#define NAMES_TABLE(table) (1u << (table))
int names_listen(struct names *n, unsigned int tables);
/* The index-th name (0: oldest) this listener has not heard yet; NULL: no more. */
const struct name *names_news_at(const struct names *n, int listener, size_t index);
/* Forget the oldest `count`: they have been told. */
void names_news_announced(struct names *n, int listener, size_t count);

#endif
