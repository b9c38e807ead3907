/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From what the user asked for to live probes, and back. */
#ifndef TARGET_PROBES_SESSION_H
#define TARGET_PROBES_SESSION_H

#include "target/probes/probe.h"

/* Call first; p is zeroed but for cfg, names and sink. `record` gets the ring's records. */
void session_init(struct probes *p, void (*record)(void *, const struct ayp_rec *, size_t));

/* Choose modules, plan, make the maps, attach. A negative errno after one line that says why. */
int session_start(struct probes *p);

/* The pieces, for --check: plan one module and make maps for it without attaching. */
int session_open(struct probes *p);

/* Add a module; the ops must be one of module_at. */
struct module *session_add(struct probes *p, const struct module_ops *ops);

/* Begin to detach everything and return at once: it takes seconds, which the line can use. Programs
 * must be inactive. session_end waits for it. */
void session_detach(struct probes *p);

void session_end(struct probes *p);

#endif
