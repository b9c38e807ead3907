/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program of any bytes: what stands at a place in it. An answer holds for a range that has the place, the same for all of it; a
 * name ends in its field.
 *
 * Input: 16 bits, the place; then the file.
 */
#include <string.h>

#include "target/probes/elf_lookup.h"
#include "tests/fuzz/fuzz_file.h"

static void look(int fd, uint64_t offset)
{
	static struct elf_place place, again;

	if (elf_lookup(fd, offset, &place))
		return;
	MUST(memchr(place.name, 0, sizeof(place.name)));
	MUST(place.function == (place.name[0] != 0));
	MUST(place.begin <= offset && offset < place.end);
	MUST(elf_lookup(fd, place.begin, &again) == 0);
	MUST(again.function == place.function);
	MUST(!place.function || !strcmp(again.name, place.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (size < 2)
		return 0;
	if (fd < 0)
		fd = memfd_create("program", MFD_CLOEXEC);
	MUST(fd >= 0 && ftruncate(fd, 0) == 0);
	MUST(pwrite(fd, data + 2, size - 2, 0) == (ssize_t)(size - 2));
	look(fd, (uint64_t)data[0] | (uint64_t)data[1] << 8);
	look(fd, UINT64_MAX);
	return 0;
}
