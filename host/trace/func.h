/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One function of struct functions: its name, as it was written, and what pairing asks of it. */
#ifndef HOST_TRACE_FUNC_H
#define HOST_TRACE_FUNC_H

#include "host/trace/functions.h"
#include "proto/demangle.h"

#define FUNC_ROOM (2 * DEMANGLE_MAX) /* functions.room */

/* A hash of what makes two functions the same. */
uint64_t func_name_key(uint8_t cls, const char *text, const char *owner);
/* Have functions up to and including `id`. These return 0 or -ENOMEM. */
int func_reach(struct functions *f, uint32_t id);
int func_set(struct functions *f, uint32_t id, const struct name *e);
int func_make_up(struct functions *f, uint32_t id, uint32_t wire);
/* Who wants to know hears that it has changed. */
void func_tell(const struct functions *f, uint32_t id);

#endif
