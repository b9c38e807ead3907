/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A file of names (--names) of any bytes. */
#include <string.h>

#include "target/replay/replay_names.h"
#include "tests/fuzz/fuzz_file.h"

/* So many of a recording's ids: the rest differ in nothing. */
#define IDS 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names *names = names_new();

	MUST(names && names_reserve_funcs(names, IDS) == 0);
	(void)replay_names_load(names, fuzz_file(data, size));
	for (uint32_t id = 0; id < IDS; id++) {
		const struct name *n = names_get(names, ayaprof_Table_TABLE_FUNC, id);

		MUST(!n || (n->text[0] && strlen(n->text) < size && n->cls < AYP_CLASS_COUNT));
	}
	names_free(names);
	return 0;
}
