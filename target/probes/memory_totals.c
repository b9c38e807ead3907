/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/memory_totals.h"

struct memory_view memory_view_now(const struct maps *m)
{
	const volatile uint32_t *full = m->control->mem_full;
	struct memory_view v = {.first = AYP_MEM_CLASS_0, .one_in = 1};

	if (full[AYP_MEM_CLASS_0])
		v.first = AYP_MEM_CLASS_1;
	if (full[AYP_MEM_CLASS_1])
		v.first = AYP_MEM_CLASS_2;
	v.one_in <<= AYP_MEM_CLASS_SHIFT * v.first;
	v.short_of = full[AYP_MEM_CLASS_2];
	return v;
}

static void add(struct ayp_mem_cell *to, struct ayp_mem_cell what)
{
	to->bytes += what.bytes;
	to->count += what.count;
}

/* Of a site and a slot, over the CPUs. */
static struct ayp_mem_cell cell(const struct maps *m, uint32_t site, uint32_t slot)
{
	struct ayp_mem_cell s = {0};
	uint32_t cpu;

	for (cpu = 0; cpu < m->cpus; cpu++) {
		size_t i = ((size_t)cpu * m->n_sites + site) * AYP_MEM_SLOTS + slot;

		s.bytes += m->mem_cells[i].bytes;
		s.count += m->mem_cells[i].count;
	}
	return s;
}

static uint32_t type_of(uint32_t prog)
{
	return prog <= AYP_MEMP_KMALLOC_NODE ? AYP_MEM_KMALLOC : AYP_MEM_KMEM_CACHE;
}

void memory_sum_add(const struct maps *m, uint32_t site, struct memory_sum sums[AYP_MEM_TYPES])
{
	uint32_t prog, type, cls;

	for (prog = 0; prog < AYP_MEM_PROGS; prog++)
		for (cls = 0; cls < AYP_MEM_CLASSES; cls++) {
			if (prog < AYP_MEM_ALLOC_PROGS)
				add(&sums[type_of(prog)].in[cls],
					cell(m, site, AYP_MEM_SLOT_ALLOC(prog, cls)));
			for (type = 0; type < AYP_MEM_TYPES; type++)
				add(&sums[type].out[cls],
					cell(m, site, AYP_MEM_SLOT_FREE(prog, type, cls)));
		}
	for (prog = 0; prog < AYP_MEM_ALLOC_PROGS; prog++)
		add(&sums[type_of(prog)].passed, cell(m, site, AYP_MEM_SLOT_PASSED(prog)));
}

/* Read while the kernel counts: what came in may be a moment older than what went out. */
static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What is given back of `alloc` when so much is outstanding. */
static uint64_t given_back(uint64_t alloc, uint64_t live, uint64_t one_in, uint64_t large)
{
	return minus(alloc, live * one_in + large);
}

struct memory_total memory_sum_total(const struct memory_sum *sum, const struct memory_view *v)
{
	struct memory_total t = {.unfollowed = sum->passed};
	struct ayp_mem_cell live = {0}, large = {0};
	uint32_t cls;

	add(&t.alloc, sum->passed);
	for (cls = 0; cls < AYP_MEM_CLASSES; cls++) {
		struct ayp_mem_cell left = {
			.bytes = minus(sum->in[cls].bytes, sum->out[cls].bytes),
			.count = minus(sum->in[cls].count, sum->out[cls].count),
		};

		add(&t.alloc, sum->in[cls]);
		if (cls == AYP_MEM_LARGE)
			add(&large, left);
		else if (cls >= v->first)
			add(&live, left);
		else
			add(&t.unfollowed, sum->in[cls]);
	}
	t.free.bytes = given_back(t.alloc.bytes, live.bytes, v->one_in, large.bytes);
	t.free.count = given_back(t.alloc.count, live.count, v->one_in, large.count);
	return t;
}

int64_t memory_size_live(
	const struct maps *m, uint32_t type, uint32_t size_8, const struct memory_view *v)
{
	uint32_t live[AYP_MEM_CLASSES] = {0}, cpu, cls;
	int64_t sum = 0;

	for (cpu = 0; cpu < m->cpus; cpu++) {
		const volatile struct ayp_mem_size *s =
			&m->mem_sizes[((size_t)cpu * AYP_MEM_TYPES + type) * AYP_MEM_SIZES +
				      size_8];

		for (cls = 0; cls < AYP_MEM_CLASSES; cls++)
			live[cls] += s->live[cls];
	}
	for (cls = v->first; cls < AYP_MEM_LARGE; cls++)
		sum += (int32_t)live[cls];
	return sum * v->one_in + (int32_t)live[AYP_MEM_LARGE];
}
