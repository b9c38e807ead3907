/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Commands that wait for a moment or for a byte. Part of linesim.c. */
#ifndef TESTS_LINESIM_PLAN_H
#define TESTS_LINESIM_PLAN_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PLAN_MAX 64u

enum plan_clock { PLAN_SECONDS, PLAN_BYTES, PLAN_CLOCKS };

struct plan_entry {
	enum plan_clock clock;
	double when;   /* seconds since the start, or bytes taken from the board */
	uint64_t left; /* how often, 0: a free entry */
	double every;
	char command[64];
};

struct plan {
	struct plan_entry entries[PLAN_MAX];
	size_t pending;
};

/* times: how often, 1 or more; when is also the distance between them. 0 or -ENOSPC. */
static inline int plan_add(
	struct plan *p, enum plan_clock clock, double when, uint64_t times, const char *command)
{
	struct plan_entry *e = p->entries, *end = p->entries + PLAN_MAX;

	while (e < end && e->left)
		e++;
	if (e == end || strlen(command) >= sizeof(e->command))
		return -ENOSPC;
	*e = (struct plan_entry){.clock = clock, .when = when, .every = when, .left = times};
	memcpy(e->command, command, strlen(command) + 1);
	p->pending++;
	return 0;
}

/* now: of each clock. The command may add to the plan. */
static inline void plan_run(
	struct plan *p, const double now[PLAN_CLOCKS], void (*run)(const char *command))
{
	for (size_t i = 0; i < PLAN_MAX && p->pending; i++) {
		struct plan_entry *e = &p->entries[i];
		char command[sizeof(e->command)];

		if (!e->left || now[e->clock] < e->when)
			continue;
		memcpy(command, e->command, sizeof(command));
		e->when += e->every;
		e->left--;
		p->pending -= !e->left;
		run(command);
	}
}

#endif
