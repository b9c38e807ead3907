/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/own_code.h"

#include <errno.h>
#include <stdio.h>

int own_code_place(const void *address, char *path, size_t size, uint64_t *offset)
{
	unsigned long start, end, at = (uintptr_t)address;
	unsigned long long pgoff;
	char line[4400], name[4096];
	int err = -ENOENT;
	FILE *f = fopen("/proc/self/maps", "re");

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %*s %llx %*s %*s %4095[^\n]", &start, &end, &pgoff,
			    name) == 4 &&
			at >= start && at < end && name[0] == '/') {
			snprintf(path, size, "%s", name);
			*offset = at - start + pgoff;
			err = 0;
		}
	fclose(f);
	return err;
}
