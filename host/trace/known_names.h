/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names by (session, table, id), those of threads also by moment; stacks by (session, id).
 *
 * In: messages as they come; names may come long after the events that use them. A name of a thread
 * holds from its since_ns on; two of the same moment: the newer message counts. Of functions,
 * interfaces and symbols the newest message counts.
 *
 * Holds NAMES_MAX names of about 60 bytes and their text (strings.h), NAMES_MAX_STACKS stacks of
 * together NAMES_MAX_FRAMES frames. What is beyond is counted in `left_out`.
 */
#ifndef HOST_TRACE_KNOWN_NAMES_H
#define HOST_TRACE_KNOWN_NAMES_H

#include "host/trace/strings.h"
#include "host/trace/table.h"
#include "host/trace/trace.h"

#define NAMES_MAX          262144u
#define NAMES_MAX_VERSIONS 4096u /* of one thread id */
#define NAMES_MAX_STACKS   131072u
#define NAMES_MAX_FRAMES   (4u << 20)
#define NAMES_NONE         UINT32_MAX

/* A function, interface or symbol. */
struct name {
	const char *text, *owner; /* safe to print; live as long as the names */
	uint32_t id;
	uint32_t next; /* function: the session's next one, in the order they came; or NAMES_NONE */
	uint16_t session;
	uint8_t table, cls;
};

struct task_names {
	struct trace_task *version; /* by since_ns */
	uint32_t n, cap;
};

struct known_names {
	const struct trace_memory *mem;
	struct strings strings;
	struct table index; /* (session, table, id) -> name, or task */
	struct name *name;
	size_t n, cap;
	struct task_names *task;
	size_t n_tasks, cap_tasks;
	size_t n_versions;
	struct table stack_index;
	struct trace_stack *stack;
	size_t n_stacks, cap_stacks;
	size_t n_frames;
	uint64_t left_out;
	char *room; /* for text on its way */
};

int known_names_init(struct known_names *n, const struct trace_memory *mem, uint64_t secret);
void known_names_free(struct known_names *n);

/* *added: index of a function's name that is new, else NAMES_NONE. Returns 0 or -ENOMEM. */
int known_names_put(
	struct known_names *n, uint16_t session, const ayaprof_Name *name, uint32_t *added);
int known_names_put_stack(struct known_names *n, uint16_t session, const ayaprof_Stack *stack);

/* NULL: unknown. */
const struct name *known_names_get(
	const struct known_names *n, uint16_t session, ayaprof_Table table, uint32_t id);
const struct trace_task *known_names_task(
	const struct known_names *n, uint16_t session, uint32_t tid, uint64_t t_ns);
const struct trace_stack *known_names_stack(
	const struct known_names *n, uint16_t session, uint32_t id);

#endif
