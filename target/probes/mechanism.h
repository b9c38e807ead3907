/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ways to be called at a function's entry and return. */
#ifndef TARGET_PROBES_MECHANISM_H
#define TARGET_PROBES_MECHANISM_H

#include "target/probes/attacher.h"
#include "target/probes/fd_list.h"
#include "target/probes/function_target.h"

struct mechanism {
	const char *name;
	bool user;              /* for user functions; else for kernel functions */
	bool slots;             /* a call needs a slot for its return to be seen (attacher.h) */
	bool named;             /* only where --mechanism names it */
	bool must_count_misses; /* only where the kernel counts what it missed */
	size_t max_targets;     /* worth the time for so many; 0: any number */
	/* Attach to one function. Descriptors that detach go to links; on failure nothing stays
	 * attached. */
	int (*one)(struct attacher *a, const struct function_target *t, struct fd_list *links);
	/* Or to many with one call, which succeeds for all of them or for none. */
	int (*many)(struct attacher *a, struct function_target *const *t, size_t n, bool on_return);
	/* Or to as many of them as can be; sets err and attached of each, returns how many. Two of
	 * the three are NULL. */
	size_t (*group)(struct attacher *a, struct function_target *const *t, size_t n,
		struct fd_list *links);
};

/* Best first; terminated by name NULL. A name may stand twice: for few targets
 * and for many, for kernels that tell what they miss and as the last resort. */
extern const struct mechanism mechanisms[];

/* How many functions of its kind are not attached yet. */
size_t mechanism_todo(const struct mechanism *m, const struct function_targets *t);

/* Attach what is not attached yet. Returns how many functions this mechanism took. */
size_t mechanism_attach(const struct mechanism *m, struct attacher *a, struct function_targets *t,
	struct fd_list *links);

#endif
