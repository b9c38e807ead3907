/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/loop/summary_memory.h"

#include <inttypes.h>

static ayaprof_MemorySample all_types(const ayaprof_Sample *last)
{
	ayaprof_MemorySample sum = {0};

	for (pb_size_t i = 0; i < last->memory_count; i++) {
		const ayaprof_MemorySample *m = &last->memory[i];

		sum.alloc_bytes += m->alloc_bytes;
		sum.alloc_count += m->alloc_count;
		sum.free_bytes += m->free_bytes;
		sum.free_count += m->free_count;
		sum.untracked += m->untracked;
		sum.untracked_bytes += m->untracked_bytes;
		sum.gone_bytes += m->gone_bytes;
		sum.gone_count += m->gone_count;
		sum.unseen |= m->unseen;
		sum.one_in = m->one_in;
	}
	return sum;
}

const char *summary_memory_text(char *dst, size_t cap, const ayaprof_Sample *last)
{
	ayaprof_MemorySample sum = all_types(last);
	size_t n = 0;

	dst[0] = '\0';
	if (!sum.untracked && !sum.unseen)
		return dst;
	n += (size_t)snprintf(dst, cap, "; memory:");
	if (sum.untracked && n < cap)
		n += (size_t)snprintf(dst + n, cap - n,
			" %" PRIu64 " allocations (%" PRIu64 " KiB) not followed", sum.untracked,
			sum.untracked_bytes >> 10);
	if (sum.one_in > 1 && n < cap)
		n += (size_t)snprintf(dst + n, cap - n, ", 1 address in %u stands for all%s",
			sum.one_in, sum.unseen & AYP_UNSEEN_TABLE ? " and not all of these" : "");
	if (sum.unseen & (AYP_UNSEEN_BULK | AYP_UNSEEN_RCU | AYP_UNSEEN_SHEAF) && n < cap)
		snprintf(dst + n, cap - n, "%s %s cannot be seen here", sum.untracked ? "," : "",
			sum.unseen & AYP_UNSEEN_RCU    ? "what is freed in bulk or by kfree_rcu"
			: sum.unseen & AYP_UNSEEN_BULK ? "what is freed in bulk"
						       : "what sheaves free");
	return dst;
}

static void put(FILE *file, const char *key, uint64_t v, const char *end)
{
	fprintf(file, "\"%s\": %" PRIu64 "%s", key, v, end);
}

void summary_memory_json(FILE *file, const ayaprof_Sample *last)
{
	ayaprof_MemorySample sum = all_types(last);

	if (!last->memory_count)
		return;
	fputs("  \"memory\": {", file);
	put(file, "alloc_bytes", sum.alloc_bytes, ", ");
	put(file, "alloc_count", sum.alloc_count, ", ");
	put(file, "free_bytes", sum.free_bytes, ", ");
	put(file, "free_count", sum.free_count, ", ");
	put(file, "untracked_bytes", sum.untracked_bytes, ", ");
	put(file, "untracked", sum.untracked, ", ");
	put(file, "one_in", sum.one_in > 1 ? sum.one_in : 1, ", ");
	put(file, "gone_bytes", sum.gone_bytes, ", ");
	put(file, "gone_count", sum.gone_count, ", ");
	fprintf(file, "\"unseen_bulk\": %s, ", sum.unseen & AYP_UNSEEN_BULK ? "true" : "false");
	fprintf(file, "\"unseen_rcu\": %s, ",
		sum.unseen & (AYP_UNSEEN_RCU | AYP_UNSEEN_SHEAF) ? "true" : "false");
	fprintf(file, "\"table_full\": %s},\n", sum.unseen & AYP_UNSEEN_TABLE ? "true" : "false");
}
