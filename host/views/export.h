/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Export formats: one ops struct each, one row in export.c's table. */
#ifndef HOST_EXPORT_H
#define HOST_EXPORT_H

#include <stdio.h>

#include "host/model/model.h"

struct exporter {
	FILE *out;
	const struct model *m;
	void *state; /* of the format, its size below */
	bool failed; /* a format sets it when memory ran out */
};

/* Called in this order; those a format has no use for are NULL. Write errors are found by the
 * caller. */
struct export_ops {
	const char *name;
	const char *summary;
	size_t state_size;
	void (*begin)(struct exporter *x);
	void (*event)(struct exporter *x, const struct model_event *e);
	void (*call)(struct exporter *x, const struct model_call *c);
	void (*sample)(struct exporter *x, uint8_t session, const ayaprof_Sample *s);
	void (*lost)(struct exporter *x, const struct model_loss *l);
	void (*log)(struct exporter *x, const struct model_log *r);
	void (*end)(struct exporter *x);
};

extern const struct export_ops export_events; /* export_events.c */
extern const struct export_ops export_csv;    /* export_csv.c */
extern const struct export_ops export_json;   /* export_json.c */
extern const struct export_ops export_folded; /* export_folded.c */

/* By name, NULL: there is none. By index, NULL: past the end. */
const struct export_ops *export_find(const char *name);
const struct export_ops *export_at(size_t index);

/* Write all of a model. Returns 0 or -ENOMEM; check out for write errors. */
int export_run(const struct export_ops *ops, const struct model *m, FILE *out);

#endif
