/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which part of a recording a command reads: the options that those commands have in common, and what they let
 * through.
 */
#ifndef HOST_FILTER_H
#define HOST_FILTER_H

#include "host/base/cli.h"
#include "host/trace/trace.h"

struct filter {
	bool any;                /* false: everything passes */
	uint64_t from_ns, to_ns; /* since the origin of views; both of them count */
	bool has_cpus;
	bool cpu[256];
	const char *task; /* a name with wildcards, or a thread id; NULL: all */
	bool has_tid;
	uint32_t tid;
	const char *func; /* a name with wildcards */
	bool has_kinds;
	bool kind[AYP_CLASS_COUNT];
	uint64_t min_duration_ns;
	/* Of func by trace id: 0 not asked yet, 1 passes, 2 does not. */
	uint8_t *verdicts;
};

enum filter_option {
	FILTER_RANGE,
	FILTER_CPU,
	FILTER_TASK,
	FILTER_FUNC,
	FILTER_KIND,
	FILTER_MIN_DURATION,
	FILTER_OPTIONS
};

/* Rows of a command's table of options, FILTER_OPTIONS of them in their order. */
#define FILTER_CLI(range_letter)                                                                   \
	{range_letter, "range", "A-B",                                                             \
		"only what is between these times: 1s-2.5s, 10ms-, 0-500us"},                      \
		{0, "cpu", "LIST", "only on these processors: 0,2-3"},                             \
		{0, "task", "NAME|TID", "only of threads of this name (with * and ?) or id"},      \
		{0, "func", "GLOB", "only functions of this name (with * and ?)"},                 \
		{0, "kind", "KIND,...",                                                            \
			"only functions of these kinds: kernel, user, syscall..."},                \
	{                                                                                          \
		0, "min-duration", "TIME", "only calls that took so long: 50us, 1ms"               \
	}

void filter_init(struct filter *f);
void filter_free(struct filter *f);
/* False: what is wrong has been said. */
bool filter_set(struct filter *f, struct cli *c, enum filter_option option);

/* An event by its time, CPU, thread, function and kind; a call by these, too: by its time when any of it is in the
 * range, by its CPU where it was entered, and by its duration. Calls without exit have none. */
bool filter_event(struct filter *f, const struct trace *t, const struct trace_event *e);
bool filter_call(struct filter *f, const struct trace *t, const struct trace_call *c);
/* Losses and samples: by time; those without a time pass unless a range was asked for. */
bool filter_loss(const struct filter *f, const struct trace *t, const struct trace_loss *l);
bool filter_time(const struct filter *f, const struct trace *t, uint16_t session, uint64_t t_ns);

#endif
