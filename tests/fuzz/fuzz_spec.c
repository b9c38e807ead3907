/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Specifications of probes (-p) of any text: what is taken names something, and is a part of what was given. */
#include <string.h>

#include "target/options/options.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options o;
	char text[1024], why[OPTIONS_WHY];
	size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;

	memcpy(text, data, n);
	text[n] = '\0';
	memset(&o, 0, sizeof(o));
	memset(why, 'x', sizeof(why));
	o.from = ORIGIN_COMMAND_LINE;
	if (option_set(&o, option_index("probe"), text, why)) {
		MUST(memchr(why, 0, sizeof(why)));
	} else {
		for (size_t i = 0; i < o.config.n_probes; i++) {
			const struct probe_spec *spec = &o.config.probes[i];

			MUST(spec->glob && spec->glob[0] && strlen(spec->glob) <= n);
			MUST(spec->type != SPEC_USER || (spec->path && spec->path[0]));
			MUST(!strcmp(spec->text, text));
		}
	}
	options_free(&o);
	return 0;
}
