/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_trial.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/base/foreign_file.h"

#define COPIED_MAX ((uint64_t)2 << 20)

struct extent {
	uint64_t first, last; /* offsets */
	uint64_t n;
};

static void add(struct extent *e, uint64_t offset)
{
	if (!e->n || offset < e->first)
		e->first = offset;
	if (!e->n || offset > e->last)
		e->last = offset;
	e->n++;
}

static struct extent extent_of(struct function_target *const *t, size_t n)
{
	struct extent e = {0};
	size_t i, k;

	for (i = 0; i < n; i++) {
		add(&e, t[i]->offset);
		for (k = 0; k < t[i]->n_ends; k++)
			add(&e, t[i]->end[k].offset);
	}
	return e;
}

/*
 * How an instruction is to be read the kernel learns from the process that maps it first, and never
 * again: x86's takes a 32-bit program's absolute addresses for relative ones if that is a 64-bit
 * process (arch/x86/kernel/uprobes.c, arch_uprobe_analyze_insn, is_64bit_mm), and the program
 * crashes.
 */
static bool is_our_kind(const struct function_target *t)
{
	return t->elf_class == (sizeof(long) == 8 ? ELFCLASS64 : ELFCLASS32);
}

void user_trial_begin(struct user_trial *trial, struct function_target *const *t, size_t n)
{
	struct extent e = extent_of(t, n);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), start = e.first / page * page,
		 pages = (e.last - start) / page + 1;
	struct foreign_file file;

	*trial = (struct user_trial){0};
	if (!e.n || !is_our_kind(t[0]) || (pages < e.n ? pages : e.n) * page > COPIED_MAX ||
		pages > SIZE_MAX / 4 / page)
		return;
	if (foreign_file_open(&file, t[0]->path))
		return;
	trial->size = (size_t)(pages * page);
	trial->at = mmap(NULL, trial->size, PROT_READ, MAP_PRIVATE, file.fd, (off_t)start);
	if (trial->at == MAP_FAILED)
		trial->at = NULL;
	foreign_file_close(&file);
}

void user_trial_end(struct user_trial *trial)
{
	if (trial->at)
		munmap(trial->at, trial->size);
	trial->at = NULL;
}
