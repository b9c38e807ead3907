/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Between the files that look for what one specification u:PATH:GLOB names. */
#ifndef TARGET_PROBES_USER_SEARCH_H
#define TARGET_PROBES_USER_SEARCH_H

#include "target/probes/elf_functions.h"
#include "target/probes/function_target.h"
#include "target/probes/ifunc.h"
#include "target/probes/spec.h"
#include "target/probes/user_path.h"

struct user_search {
	struct function_targets *t;
	const struct config *cfg;
	const struct probe_spec *spec;
	struct user_path path;
	struct elf_looked looked;
	/* Symbols: all functions of the file; those that match, and of them those that cannot be
	 * probed. */
	size_t functions, matches, thumb, imports;
	char import[128]; /* the first one's name */
	bool foreign; /* a machine's that this kernel probes no programs of: none of them can be */
	struct ifuncs ifuncs;
	size_t candidates; /* of those that could not be resolved */
};

/* After a search that found nothing: say why. */
void user_search_explain(const struct user_search *s);
/* The file could not be read: say why. */
void user_search_unreadable(const struct user_search *s, int err);

#endif
