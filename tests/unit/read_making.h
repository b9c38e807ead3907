/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recording that a test has made, through a trace. cmocka.h comes before. */
#ifndef TESTS_UNIT_READ_MAKING_H
#define TESTS_UNIT_READ_MAKING_H

#include "tests/unit/make_recording.h"
#include "tests/unit/read_trace.h"

/* To be freed by read_done. */
static inline struct read_trace *read_as(const struct making *m, struct read_trace how)
{
	struct read_trace *r = malloc(sizeof(*r));

	assert_non_null(r);
	*r = how;
	read_trace(r, m->data, m->size);
	return r;
}

static inline struct read_trace *read_it(const struct making *m)
{
	return read_as(m, (struct read_trace){0});
}

static inline void read_done(struct read_trace *r)
{
	read_trace_free(r);
	free(r);
}

#endif
