/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where probes are wanted in programs: a function's entry, and where its calls end. */
#ifndef TARGET_PROBES_USER_PLACES_H
#define TARGET_PROBES_USER_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "target/probes/function_target.h"
#include "target/probes/program_copy.h"

/* One probe. */
struct user_place {
	uint64_t offset; /* in the file */
	uint32_t id;     /* AYP_ID */
};

struct user_places {
	struct user_place *at; /* the caller's to free */
	size_t n;
};

/* How ends are found: where the code returns, or by the kernel's return probe on the entry. */
enum user_way { USER_BY_INSTRUCTIONS, USER_BY_RETURN };

/* In which order to attach. Ends first: should they be refused, nothing has been disturbed for the
 * entry. And where a function is a return and no more, the kernel calls what was attached last
 * first. */
#define USER_BODIES 3u
extern const enum function_body user_order[USER_BODIES];

/* All probes of one body that n functions need; 0 or -ENOMEM. */
int user_places_collect(struct user_places *l, struct function_target *const *t, size_t n,
	enum user_way way, enum function_body body);

#endif
