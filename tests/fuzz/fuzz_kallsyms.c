/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A kernel's table of symbols of any text: what is found at an address has a name, and begins at or below it. */
#include <string.h>

#include "target/probes/kernel_symbols.h"
#include "target/probes/symbol_blocks.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t addresses[] = {
		0, 1, 0x10, 0x12, 0x1000, 0xffffffff, 0xffffffff81000000, UINT64_MAX};
	FILE *f = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	struct symbol_blocks *s = f ? kernel_symbols_read(f) : NULL;

	for (size_t i = 0; s && i < sizeof(addresses) / sizeof(*addresses); i++) {
		const char *owner = NULL, *name = symbol_blocks_find(s, addresses[i], &owner);

		MUST(!name || (*name && owner && strlen(name) < 512 && strlen(owner) < 64));
	}
	symbol_blocks_free(s);
	if (f)
		fclose(f);
	return 0;
}
