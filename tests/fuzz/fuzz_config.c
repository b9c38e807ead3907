/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A configuration file of any bytes. What is taken stays within what the options allow. */
#include <string.h>

#include "target/options/options.h"
#include "tests/fuzz/fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options o;
	const struct config *c = &o.config;

	memset(&o, 0, sizeof(o));
	o.from = ORIGIN_FILE;
	if (options_read_file(&o, fuzz_file(data, size)) == 0) {
		MUST(!c->no_modules || !c->n_modules);
		for (size_t i = 0; i < c->n_modules; i++)
			MUST(c->modules[i][0]);
		for (size_t i = 0; i < c->n_probes; i++)
			MUST(c->probes[i].glob && c->probes[i].glob[0]);
	}
	options_free(&o);
	return 0;
}
