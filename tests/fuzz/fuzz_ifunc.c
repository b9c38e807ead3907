/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Indirect functions of a file of any bytes that a process with any mappings has loaded: words that hold the chosen ones are
 * of functions in the list, and what is said of a chosen one is complete.
 *
 * Input: 16 bits, how long the file is; the file; the rest is the text of /proc/PID/maps.
 */
#include <string.h>

#include "target/probes/ifunc_file.h"
#include "target/probes/mapped_file.h"
#include "tests/fuzz/fuzz_file.h"

static int note(void *ctx, const struct elf_function *f)
{
	return f->type == STT_GNU_IFUNC ? ifuncs_note(ctx, f) : 0;
}

static void check_words(const struct ifuncs *list, const struct ifunc_word *words, size_t n)
{
	MUST(n <= IFUNC_WORDS_MAX);
	for (size_t i = 0; i < n; i++)
		MUST(words[i].of >= list->at && words[i].of < list->at + list->n);
}

/* As if the word held the address where `address` of the file is in memory. */
static void resolve(struct ifunc *of, const struct process_memory *m, struct foreign_elf *f,
	const struct file_mapping *at, uint64_t address)
{
	uint64_t bias, offset;

	if (of->resolved || !mapped_file_bias(m, f, at->dev, at->ino, &bias) ||
		!mapped_file_place(m, at->dev, at->ino, bias + address, &offset))
		return;
	of->resolved = true;
	of->function.offset = offset;
}

static void resolve_all(struct ifuncs *list, struct foreign_elf *f, const struct process_memory *m)
{
	static struct ifunc_word words[IFUNC_WORDS_MAX];
	size_t n = ifunc_file_words(list, f, false, words);

	check_words(list, words, n);
	n = ifunc_file_words(list, f, true, words);
	check_words(list, words, n);
	for (size_t k = 0; k < m->n && k < 8; k++) {
		MUST(m->at[k].ino && m->at[k].path[0] == '/' && !strchr(m->at[k].path, '\n'));
		for (size_t i = 0; i < n; i++)
			resolve(words[i].of, m, f, &m->at[k], words[i].of->address + (i & 1));
	}
}

static void check(const struct ifuncs *list, const struct foreign_elf *f)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ifunc *at = &list->at[i];

		if (!at->resolved)
			continue;
		MUST(at->function.name == at->name && at->function.type == STT_FUNC);
		MUST(at->function.machine == foreign_elf_header(f)->e_machine);
	}
	MUST(ifuncs_resolved(list) <= list->n && list->n <= IFUNCS_MAX);
}

static void read_maps(struct process_memory *m, const uint8_t *text, size_t size)
{
	FILE *f = size ? fmemopen((void *)(uintptr_t)text, size, "r") : NULL;

	*m = (struct process_memory){.fd = -1};
	if (f) {
		MUST(process_memory_read_maps(m, f) == 0);
		fclose(f);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ifuncs list = {0};
	struct process_memory m;
	struct foreign_elf *f;
	const char *path;
	size_t n;

	if (size < 2)
		return 0;
	n = (size_t)data[0] | (size_t)data[1] << 8;
	if (n > size - 2)
		n = size - 2;
	path = fuzz_file(data + 2, n);
	read_maps(&m, data + 2 + n, size - 2 - n);
	(void)elf_functions_look(path, ELF_WANT_IFUNCS, note, &list, NULL);
	if (!foreign_elf_open(&f, path)) {
		resolve_all(&list, f, &m);
		ifunc_file_describe(&list, f, path);
		check(&list, f);
		foreign_elf_close(f);
	}
	ifuncs_free(&list);
	process_memory_close(&m);
	return 0;
}
