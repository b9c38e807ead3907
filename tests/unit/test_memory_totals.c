/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kernel memory in numbers: exact as long as all is followed, an estimate that is right in the mean when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/probes/memory_slab.h"
#include "target/probes/memory_totals.h"

#define CPUS  2u
#define SITES 3u

static struct ayp_mem_cell cells[CPUS * SITES * AYP_MEM_SLOTS];
static struct ayp_mem_size sizes[CPUS * AYP_MEM_TYPES * AYP_MEM_SIZES];
static struct ayp_control control;
static struct maps maps = {.cpus = CPUS,
	.n_sites = SITES,
	.control = &control,
	.mem_cells = cells,
	.mem_sizes = sizes};

static int clear(void **state)
{
	memset(cells, 0, sizeof(cells));
	memset(sizes, 0, sizeof(sizes));
	memset(&control, 0, sizeof(control));
	return 0;
}

static void put(uint32_t cpu, uint32_t site, uint32_t slot, uint64_t bytes, uint64_t count)
{
	struct ayp_mem_cell *c = &cells[(cpu * SITES + site) * AYP_MEM_SLOTS + slot];

	c->bytes += bytes;
	c->count += count;
}

static struct memory_total total(uint32_t type)
{
	struct memory_sum sums[AYP_MEM_TYPES] = {0};
	struct memory_view v = memory_view_now(&maps);

	for (uint32_t site = 0; site < SITES; site++)
		memory_sum_add(&maps, site, sums);
	return memory_sum_total(&sums[type], &v);
}

static void all_is_followed(void **state)
{
	struct memory_total t;

	put(0, 0, AYP_MEM_SLOT_ALLOC(AYP_MEMP_KMALLOC, 0), 700, 7);
	put(1, 2, AYP_MEM_SLOT_ALLOC(AYP_MEMP_KMALLOC_NODE, 1), 64, 1);
	put(1, 2, AYP_MEM_SLOT_ALLOC(AYP_MEMP_CACHE, 2), 1000, 10);
	put(1, 0, AYP_MEM_SLOT_FREE(AYP_MEMP_KFREE, AYP_MEM_KMALLOC, 0), 300, 3);
	put(0, 2, AYP_MEM_SLOT_FREE(AYP_MEMP_BULK, AYP_MEM_KMALLOC, 1), 64, 1);
	put(0, 2, AYP_MEM_SLOT_FREE(AYP_MEMP_BULK, AYP_MEM_KMEM_CACHE, 2), 400, 4);
	t = total(AYP_MEM_KMALLOC);
	assert_int_equal(t.alloc.bytes, 764);
	assert_int_equal(t.free.bytes, 364);
	assert_int_equal(t.free.count, 4);
	assert_int_equal(t.unfollowed.count, 0);
	t = total(AYP_MEM_KMEM_CACHE);
	assert_int_equal(t.alloc.count, 10);
	assert_int_equal(t.free.bytes, 400);
}

/* The first class is full: what is left of it says nothing, the second stands for it. */
static void one_in_eight(void **state)
{
	struct memory_total t;

	control.mem_full[0] = 1;
	put(0, 1, AYP_MEM_SLOT_ALLOC(AYP_MEMP_CACHE, 0), 50000, 500);
	put(0, 1, AYP_MEM_SLOT_ALLOC(AYP_MEMP_CACHE, 1), 9000, 90);
	put(0, 1, AYP_MEM_SLOT_ALLOC(AYP_MEMP_CACHE, 2), 1000, 10);
	put(1, 1, AYP_MEM_SLOT_PASSED(AYP_MEMP_CACHE), 20000, 200);
	put(1, 1, AYP_MEM_SLOT_FREE(AYP_MEMP_CACHE_FREE, 1, 0), 100, 1);
	put(1, 1, AYP_MEM_SLOT_FREE(AYP_MEMP_CACHE_FREE, 1, 1), 4000, 40);
	/* Large ones stand for themselves. */
	put(1, 1, AYP_MEM_SLOT_ALLOC(AYP_MEMP_CACHE, AYP_MEM_LARGE), 131072, 2);
	put(1, 1, AYP_MEM_SLOT_FREE(AYP_MEMP_CACHE_FREE, 1, AYP_MEM_LARGE), 65536, 1);
	assert_int_equal(memory_view_now(&maps).one_in, 8);
	t = total(AYP_MEM_KMEM_CACHE);
	assert_int_equal(t.alloc.bytes, 50000 + 9000 + 1000 + 20000 + 131072);
	assert_int_equal(t.alloc.count, 802);
	assert_int_equal(t.alloc.bytes - t.free.bytes, 8 * (5000 + 1000) + 65536);
	assert_int_equal(t.alloc.count - t.free.count, 8 * (50 + 10) + 1);
	assert_int_equal(t.unfollowed.count, 700);
	assert_int_equal(t.unfollowed.bytes, 70000);
}

/* Nothing can have come back of what was never handed out, however the few that are followed fell. */
static void never_below_nothing(void **state)
{
	struct memory_total t;

	control.mem_full[1] = 1;
	put(0, 0, AYP_MEM_SLOT_ALLOC(AYP_MEMP_KMALLOC, 2), 640, 10);
	put(0, 0, AYP_MEM_SLOT_PASSED(AYP_MEMP_KMALLOC), 640, 10);
	t = total(AYP_MEM_KMALLOC);
	assert_int_equal(memory_view_now(&maps).one_in, 64);
	assert_int_equal(t.alloc.count, 20);
	assert_int_equal(t.free.count, 0);
	control.mem_full[2] = 1;
	assert_true(memory_view_now(&maps).short_of);
}

/* 100 of a size outstanding here, 30 of it in the kernel: 70 went unseen. */
static void the_kernel_knows_better(void **state)
{
	static const char text[] =
		"slabinfo - version: 2.1\n"
		"# name <active_objs> <num_objs> <objsize> ...\n"
		"kmalloc-cg-256        10     16    256   16    1 : tunables 0 0 0\n"
		"dma-kmalloc-256        0      0    256   16    1 : tunables 0 0 0\n"
		"kmalloc-256           20     32    256   16    1 : tunables 0 0 0\n"
		"filp                 500    512    256   16    1 : tunables 0 0 0\n"
		"big                    5      5  20000    1    8 : tunables 0 0 0\n"
		"torn line";
	char path[] = "/tmp/slabinfo.XXXXXX";
	struct memory_slab slab = {0};
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	sizes[(0 * AYP_MEM_TYPES + AYP_MEM_KMALLOC) * AYP_MEM_SIZES + 32].live[0] = 150;
	sizes[(1 * AYP_MEM_TYPES + AYP_MEM_KMALLOC) * AYP_MEM_SIZES + 32].live[0] = (uint32_t)-50;
	sizes[(1 * AYP_MEM_TYPES + AYP_MEM_KMEM_CACHE) * AYP_MEM_SIZES + 32].live[1] = 400;
	memory_slab_look(&slab, &maps, path, 1);
	assert_int_equal(slab.unseen[AYP_MEM_KMALLOC].count, 70);
	assert_int_equal(slab.unseen[AYP_MEM_KMALLOC].bytes, 70 * 256);
	assert_int_equal(slab.unseen[AYP_MEM_KMEM_CACHE].count, 0);
	/* Not again at once, and what cannot be read changes nothing. */
	sizes[(0 * AYP_MEM_TYPES + AYP_MEM_KMALLOC) * AYP_MEM_SIZES + 32].live[0] = 100;
	memory_slab_look(&slab, &maps, path, 2);
	assert_int_equal(slab.unseen[AYP_MEM_KMALLOC].count, 70);
	remove(path);
	memory_slab_look(&slab, &maps, path, slab.due_ns);
	assert_int_equal(slab.unseen[AYP_MEM_KMALLOC].count, 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_is_followed, clear),
		cmocka_unit_test_setup(one_in_eight, clear),
		cmocka_unit_test_setup(never_below_nothing, clear),
		cmocka_unit_test_setup(the_kernel_knows_better, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
