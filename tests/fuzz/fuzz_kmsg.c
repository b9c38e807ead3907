/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A record of the kernel's log of any bytes: text that is taken is UTF-8, ends in its field, and can be sent. */
#include <string.h>

#include "target/source/kmsg.h"
#include "tests/fuzz/fuzz.h"

static size_t sequence(const uint8_t *s)
{
	size_t n = s[0] < 0x80                   ? 1
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ayaprof_LogRecord record;

	if (!kmsg_parse((const char *)data, size, &record))
		return 0;
	MUST(memchr(record.text, 0, sizeof(record.text)));
	for (const uint8_t *at = (const uint8_t *)record.text; *at;) {
		size_t n = sequence(at);

		MUST(n);
		at += n;
	}
	return 0;
}
