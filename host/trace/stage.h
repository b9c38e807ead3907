/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What stages hand on to one another; for host/trace/ only. */
#ifndef HOST_TRACE_STAGE_H
#define HOST_TRACE_STAGE_H

#include <stdint.h>

#include "host/trace/memory.h"
#include "host/trace/trace.h"

/*
 * An event between decoder and sink: 24 bytes. Its arguments stand in an array beside it, from
 * `args` on. Events of one *epoch* have no missing index between them: times alone could not tell
 * on which side of a hole an event near its edge stands.
 */
struct stage_event {
	uint64_t t_ns;
	uint32_t tid;
	uint32_t args; /* place of the first argument */
	uint32_t epoch;
	uint16_t func; /* trace id */
	uint8_t cpu;
	uint8_t kind_nargs; /* enum ayp_event_kind | nargs << 4 */
};
_Static_assert(sizeof(struct stage_event) == 24, "many of them wait at a time");

static inline unsigned int stage_kind(const struct stage_event *e)
{
	return e->kind_nargs & 15u;
}

static inline unsigned int stage_nargs(const struct stage_event *e)
{
	return e->kind_nargs >> 4;
}

/* Before in time; equal times: by CPU. Events of one CPU that are equal keep their order. */
static inline bool stage_before(const struct stage_event *a, const struct stage_event *b)
{
	return a->t_ns != b->t_ns ? a->t_ns < b->t_ns : a->cpu < b->cpu;
}

/* What pairing asks of a function. */
enum func_traits {
	FUNC_SYSCALL = 1u << 0, /* entered from user space only */
	FUNC_SWITCH = 1u << 1,  /* instant: the thread leaves its CPU */
	FUNC_KERNEL = 1u << 2,  /* over when its thread is in user space */
};

#endif
