/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Export formats: one ops struct each, one row in export.c's table. */
#ifndef HOST_EXPORT_H
#define HOST_EXPORT_H

#include <stdio.h>

#include "host/recording/recording.h"
#include "host/views/filter.h"

/* What a format has of the recording: sinks are given it as their context. Zeroed, but for what the caller sets. */
struct exporter {
	const struct export_ops *ops;
	FILE *out;                   /* the caller's */
	struct recording *recording; /* the caller's; its trace is what names are looked up in */
	struct filter *filter;       /* the caller's */
	void *state;                 /* of the format, its size below */
	uint64_t written; /* events, calls, samples...: 0 is an export without anything in it */
	int err;          /* negative errno: no memory, or no room for what waits on disk */
};

/* Those a format has no use for are NULL. They come as in struct trace_sink, and only what the filter lets through.
 * Write errors are found by the caller. */
struct export_ops {
	const char *name;
	const char *summary;
	size_t state_size;
	void (*begin)(struct exporter *x);
	void (*event)(struct exporter *x, const struct trace_event *e);
	void (*call)(struct exporter *x, const struct trace_call *c);
	void (*sample)(struct exporter *x, uint16_t session, const ayaprof_Sample *s);
	void (*lost)(struct exporter *x, const struct trace_loss *l);
	void (*log)(struct exporter *x, const struct trace_log *r);
	void (*end)(struct exporter *x);
	void (*free)(
		struct exporter *x); /* of what the state has; also after begin or end failed */
	const char *content;         /* what is exported, for a message that there is none of it */
};

extern const struct export_ops export_events; /* export_events.c */
extern const struct export_ops export_csv;    /* export_csv.c */
extern const struct export_ops export_json;   /* export_json.c */
extern const struct export_ops export_folded; /* export_folded.c */

/* By name, NULL: there is none. By index, NULL: past the end. */
const struct export_ops *export_find(const char *name);
const struct export_ops *export_at(size_t index);

/* Before the recording is read. Returns 0 or -ENOMEM. */
int export_begin(struct exporter *x);
/* What a recording is read with, the exporter is its context. */
struct trace_sink export_sink(const struct export_ops *ops);
/* After it has been read: the rest is written. Returns 0 or x->err. */
int export_end(struct exporter *x);
void export_free(struct exporter *x);
/* Nothing more is wanted. err: a negative errno. */
void export_fail(struct exporter *x, int err);

#endif
