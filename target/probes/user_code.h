/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A program's or library's file as user_ends.h wants to see it: code, constants, symbols. */
#ifndef TARGET_PROBES_USER_CODE_H
#define TARGET_PROBES_USER_CODE_H

#include "target/probes/user_ends.h"

struct user_code;

/* NULL and *err (a negative errno; -EOPNOTSUPP: a machine whose code cannot be read here). The file
 * is read, not mapped: it may shrink at any time. */
struct user_code *user_code_open(const char *path, int *err);
void user_code_close(struct user_code *c);

/* Is what begins at this address only a part of a function, entered by a jump? */
bool user_code_is_part(const struct user_code *c, uint64_t address);

/* Ends of the function `symbol` that begins there. Free *out in any case. */
void user_code_ends(
	struct user_code *c, const char *symbol, uint64_t address, struct user_ends *out);

/* false: the kernel takes no probe on the instruction there. true: it does, or nothing in the code
 * says that it does not. */
bool user_code_takes_probe(struct user_code *c, uint64_t address);

/* Address as linked to place in the file, as uprobes want it; false: it is in no segment of
 * code. */
bool user_code_offset(const struct user_code *c, uint64_t address, uint64_t *offset);

#endif
