/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/memory_slab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/clock.h"

struct look {
	uint64_t in_use[AYP_MEM_TYPES][AYP_MEM_SIZES];
	int64_t live[AYP_MEM_TYPES][AYP_MEM_SIZES];
};

int memory_slab_read(FILE *f, uint64_t in_use[AYP_MEM_TYPES][AYP_MEM_SIZES])
{
	unsigned long long active, all;
	unsigned int size;
	char line[512], name[128];
	int rows = 0;

	memset(in_use, 0, sizeof(*in_use) * AYP_MEM_TYPES);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%127s %llu %llu %u", name, &active, &all, &size) != 4 ||
			size / 8 >= AYP_MEM_SIZES)
			continue;
		rows++;
		in_use[AYP_MEM_KMEM_CACHE][size / 8] += active;
		/* kmalloc-64, kmalloc-cg-64, dma-kmalloc-64 ... */
		if (strstr(name, "kmalloc-"))
			in_use[AYP_MEM_KMALLOC][size / 8] += active;
	}
	return ferror(f) ? -EIO : rows ? 0 : -ENODATA;
}

static void note_live(struct look *l, const struct maps *m, bool again)
{
	struct memory_view v = memory_view_now(m);
	uint32_t type, size;

	for (type = 0; type < AYP_MEM_TYPES; type++)
		for (size = 0; size < AYP_MEM_SIZES; size++) {
			int64_t live = memory_size_live(m, type, size, &v);

			if (!again || live < l->live[type][size])
				l->live[type][size] = live;
		}
}

static struct ayp_mem_cell beyond(const struct look *l, uint32_t type)
{
	struct ayp_mem_cell sum = {0};
	uint32_t size;

	for (size = 1; size < AYP_MEM_SIZES; size++) {
		int64_t more = l->live[type][size] - (int64_t)l->in_use[type][size];

		if (more <= 0)
			continue;
		sum.count += (uint64_t)more;
		sum.bytes += (uint64_t)more * size * 8;
	}
	return sum;
}

void memory_slab_look(
	struct memory_slab *s, const struct maps *m, const char *path, uint64_t now_ns)
{
	struct look *l;
	uint32_t type;
	FILE *f;

	if (now_ns < s->due_ns)
		return;
	s->due_ns = now_ns + NS_PER_S;
	f = fopen(path, "re");
	l = f ? malloc(sizeof(*l)) : NULL;
	/* Both sides of the reading: what comes and goes meanwhile is nobody's surplus. */
	if (l) {
		note_live(l, m, false);
		if (!memory_slab_read(f, l->in_use)) {
			note_live(l, m, true);
			for (type = 0; type < AYP_MEM_TYPES; type++)
				s->unseen[type] = beyond(l, type);
		}
	}
	free(l);
	if (f)
		fclose(f);
}
