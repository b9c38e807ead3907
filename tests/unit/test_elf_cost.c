/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a program's headers say costs no more than a file of its size can: 60,000 sections that are all the same megabyte are
 * looked at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <elf.h>

#include "target/probes/elf_functions.h"
#include "target/probes/ifunc_file.h"

#define SECTIONS 60000u
#define TABLE    (sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr))
#define BYTES    (1u << 20)
#define SYMBOLS  (BYTES / sizeof(Elf64_Sym))
#define NAMES    (TABLE + BYTES)
#define HEADERS  (NAMES + 16)
/* Looked at for every section it is minutes. */
#define PATIENCE_S 5

static char path[40];

static void put(int fd, const void *bytes, size_t n, size_t at)
{
	assert_int_equal(pwrite(fd, bytes, n, (off_t)at), n);
}

/* A program of one segment with a table, its strings (section 1) and SECTIONS sections of a type that are all that table. */
static void make(uint32_t type, size_t entry, const void *table)
{
	static Elf64_Shdr headers[SECTIONS];
	int fd = memfd_create("program", MFD_CLOEXEC);
	Elf64_Ehdr eh = {.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shoff = HEADERS,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS};
	Elf64_Phdr ph = {
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x1000, .p_filesz = HEADERS};

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	memset(headers, 0, sizeof(headers));
	headers[1] = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = NAMES, .sh_size = 16};
	for (size_t i = 2; i < SECTIONS; i++)
		headers[i] = (Elf64_Shdr){.sh_type = type,
			.sh_offset = TABLE,
			.sh_size = BYTES / entry * entry,
			.sh_link = 1,
			.sh_entsize = entry};
	assert_true(fd >= 0);
	put(fd, &eh, sizeof(eh), 0);
	put(fd, &ph, sizeof(ph), sizeof(eh));
	put(fd, table, BYTES, TABLE);
	put(fd, "\0function\0\0\0\0\0\0", 16, NAMES);
	put(fd, headers, sizeof(headers), HEADERS);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static int count(void *ctx, const struct elf_function *f)
{
	assert_string_equal(f->name, "function");
	++*(size_t *)ctx;
	return 0;
}

static void symbols(void **state)
{
	Elf64_Sym *table = calloc(1, BYTES);
	double since;
	size_t n = 0;

	assert_non_null(table);
	for (size_t i = 0; i < SYMBOLS; i++)
		table[i] = (Elf64_Sym){.st_name = 1,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = 0x1000};
	make(SHT_SYMTAB, sizeof(*table), table);
	free(table);
	since = seconds();
	assert_int_equal(elf_functions_each(path, count, &n), 0);
	assert_int_equal(n, SYMBOLS);
	assert_true(seconds() - since < PATIENCE_S);
}

static void notes(void **state)
{
	uint32_t *table = calloc(1, BYTES);
	struct foreign_elf *f;
	double since;
	uint8_t id[20];

	/* An owner of no name, no contents. */
	assert_non_null(table);
	make(SHT_NOTE, 1, table);
	free(table);
	since = seconds();
	assert_int_equal(foreign_elf_open(&f, path), 0);
	assert_int_equal(foreign_elf_build_id(f, id, sizeof(id)), 0);
	foreign_elf_close(f);
	assert_true(seconds() - since < PATIENCE_S);
}

static void relocations(void **state)
{
	static struct ifunc_word words[IFUNC_WORDS_MAX];
	struct ifuncs list = {0};
	struct elf_function function = {.name = "function", .address = 0x1000};
	Elf64_Rela *table = calloc(1, BYTES);
	struct foreign_elf *f;
	double since;

	assert_non_null(table);
	for (size_t i = 0; i < BYTES / sizeof(*table); i++)
		table[i].r_info = ELF64_R_INFO(1, R_X86_64_IRELATIVE);
	make(SHT_RELA, sizeof(*table), table);
	free(table);
	assert_int_equal(ifuncs_note(&list, &function), 0);
	since = seconds();
	assert_int_equal(foreign_elf_open(&f, path), 0);
	assert_int_equal(ifunc_file_words(&list, f, true, words), 0);
	assert_int_equal(ifunc_file_words(&list, f, false, words), 0);
	foreign_elf_close(f);
	ifuncs_free(&list);
	assert_true(seconds() - since < PATIENCE_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols),
		cmocka_unit_test(notes),
		cmocka_unit_test(relocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
