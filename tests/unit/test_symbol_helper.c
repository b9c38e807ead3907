/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names of functions in files and processes of others: what is found, what is refused, and who is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target/base/clock.h"
#include "target/probes/elf_lookup.h"
#include "target/probes/own_code.h"
#include "target/probes/process_maps.h"
#include "target/probes/symbol_cache.h"
#include "target/probes/symbol_client.h"
#include "target/probes/symbol_helper.h"

#define PATIENCE_MS 60000

__attribute__((noinline)) static int looked_up(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

/* ---- files ---------------------------------------------------------------------------------- */

static int own_file(uint64_t *offset)
{
	char path[4096];
	int fd;

	assert_int_equal(
		own_code_place((void *)(uintptr_t)looked_up, path, sizeof(path), offset), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void function_at_a_place(void **state)
{
	struct elf_place first, again;
	uint64_t offset;
	int fd = own_file(&offset);

	assert_int_equal(elf_lookup(fd, offset & ~UINT64_C(1), &first), 0);
	assert_true(first.function);
	assert_string_equal(first.name, "looked_up");
	assert_int_equal(first.begin, offset & ~UINT64_C(1));
	assert_int_equal(elf_lookup(fd, first.end - 1, &again), 0);
	assert_memory_equal(&again, &first, sizeof(first));
	assert_int_equal(elf_lookup(fd, first.end, &again), 0);
	assert_true(!again.function || strcmp(again.name, "looked_up") != 0);
	/* Its header is in no executable segment. */
	assert_int_equal(elf_lookup(fd, UINT64_MAX, &again), -ENOENT);
	close(fd);
}

/* A program with one segment and a table of n functions at 0x1000, one byte each, of which only a few are written. */
static int made_file(uint64_t n)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr load;
		Elf64_Shdr section[3];
		Elf64_Sym symbol[3];
		char names[16];
	} f = {
		.head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64,
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
				 ELFDATA2LSB,
#else
				 ELFDATA2MSB,
#endif
				 EV_CURRENT},
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 3},
		.load = {.p_type = PT_LOAD, .p_flags = PF_X, .p_vaddr = 0x1000, .p_filesz = 0x1000},
		.symbol = {{.st_name = 1,
				   .st_info = STT_FUNC,
				   .st_shndx = 1,
				   .st_value = 0x1010,
				   .st_size = 8},
			{.st_name = 3, .st_info = STT_FUNC, .st_shndx = 1, .st_value = 0x1020},
			{.st_name = 5, .st_info = STT_OBJECT, .st_shndx = 1, .st_value = 0x1030}},
		.names = "\0a\0b\0c",
	};
	int fd = memfd_create("made", MFD_CLOEXEC);

	f.head.e_phoff = offsetof(__typeof__(f), load);
	f.head.e_shoff = offsetof(__typeof__(f), section);
	f.section[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
		.sh_offset = offsetof(__typeof__(f), symbol),
		.sh_size = n * sizeof(Elf64_Sym),
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_link = 2};
	f.section[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(__typeof__(f), names),
		.sh_size = sizeof(f.names)};
	assert_true(fd >= 0 && write(fd, &f, sizeof(f)) == sizeof(f));
	return fd;
}

static void check_place(
	int fd, uint64_t offset, const char *name, uint64_t begin, uint64_t place_end)
{
	struct elf_place p;

	assert_int_equal(elf_lookup(fd, offset, &p), 0);
	assert_string_equal(p.name, name);
	assert_int_equal(p.begin, begin);
	assert_int_equal(p.end, place_end);
}

static void ranges_of_answers(void **state)
{
	int fd = made_file(3);

	check_place(fd, 0x00, "", 0, 0x10);
	check_place(fd, 0x10, "a", 0x10, 0x18);
	check_place(fd, 0x1f, "", 0x18, 0x20);
	check_place(fd, 0x20, "b", 0x20, 0x1000); /* does not say how long it is */
	check_place(fd, 0xfff, "b", 0x20, 0x1000);
	close(fd);
}

static void files_that_lie(void **state)
{
	struct elf_place p;
	int fd = made_file(UINT64_C(300000000));

	assert_int_equal(elf_lookup(fd, 0x10, &p), -E2BIG);
	close(fd);
	fd = made_file(1000);
	assert_int_equal(elf_lookup(fd, 0x10, &p), -ENODATA);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_true(elf_lookup(fd, 0x10, &p) < 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(elf_lookup(fd, 0x10, &p), -ENOEXEC);
	close(fd);
}

/* ---- maps ----------------------------------------------------------------------------------- */

static void feed(struct process_maps *m, const char *text)
{
	process_maps_begin(m);
	(void)process_maps_feed(m, text, strlen(text));
	process_maps_end(m);
}

static void lines_of_maps(void **state)
{
	static const char text[] =
		"00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/dbus daemon\n"
		"00652000-00655000 rw-p 00052000 08:02 173521      /usr/bin/dbus daemon\n"
		"7f0000000000-7f0000001000 r-xp 00000000 08:02 9   /a/b (deleted)\n"
		"7f0000001000-7f0000002000 rwxp 00000000 00:00 0 \n"
		"nonsense\n"
		"7f0000000800-7f0000009000 r-xp 00000000 08:02 9   /overlaps\n"
		"7fff00000000-7fff00001000 r-xp 00000000 00:00 0   [vdso]\n";
	static struct process_maps m;
	const struct process_mapping *at;
	uint64_t begin, end;

	feed(&m, text);
	assert_int_equal(m.n, 4);
	at = process_maps_find(&m, 0x400123, &begin, &end);
	assert_non_null(at);
	assert_string_equal(at->owner, "dbus daemon");
	assert_true(at->file);
	assert_int_equal(at->offset, 0x1000);
	assert_int_equal(at->ino, 173521);
	assert_string_equal(process_maps_find(&m, 0x7f0000000000, &begin, &end)->owner, "b");
	assert_string_equal(
		process_maps_find(&m, 0x7f0000001000, &begin, &end)->owner, "[anonymous]");
	assert_string_equal(process_maps_find(&m, 0x7fff00000fff, &begin, &end)->owner, "[vdso]");
	assert_null(process_maps_find(&m, 0x652000, &begin, &end));
	assert_int_equal(begin, 0x452000);
	assert_int_equal(end, 0x7f0000000000);
}

static void maps_without_end(void **state)
{
	static struct process_maps m;
	char line[200];
	uint64_t i = 0;

	process_maps_begin(&m);
	do
		snprintf(line, sizeof(line), "%llx-%llx r-xp 00000000 08:02 9 /x\n",
			(unsigned long long)(i * 8192), (unsigned long long)(i * 8192 + 4096));
	while (process_maps_feed(&m, line, strlen(line)) && ++i < 1000000);
	assert_int_equal(m.n, PROCESS_MAPS_MAX);
	process_maps_begin(&m);
	memset(line, 'x', sizeof(line));
	for (i = 0; process_maps_feed(&m, line, sizeof(line)); i++)
		assert_true(i < PROCESS_MAPS_TEXT);
	assert_int_equal(m.n, 0);
}

/* ---- the helper ----------------------------------------------------------------------------- */

struct heard {
	unsigned int n;
	struct symbol_answer last;
};

static void on_answer(void *ctx, const struct symbol_question *q, const struct symbol_answer *a)
{
	struct heard *h = ctx;

	h->n++;
	h->last = *a;
}

static void wait_for_news(struct symbol_client *c, struct heard *h)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_true(symbol_client_hear(c, now_ns(), on_answer, h));
}

static void asks_about_a_process(void **state)
{
	uint64_t address = (uint64_t)(uintptr_t)looked_up;
	struct symbol_client c;
	struct heard h = {0};

	symbol_client_init(&c);
	assert_true(symbol_client_ask(&c, (uint32_t)getpid(), address, now_ns()));
	assert_true(symbol_client_ask(&c, (uint32_t)getpid(), address, now_ns()));
	assert_int_equal(c.n_asked, 1);
	wait_for_news(&c, &h);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.last.kind, SYMBOL_FUNCTION);
	assert_string_equal(h.last.name, "looked_up");
	assert_true(h.last.start <= address && address < h.last.end);
	/* Of no process; what is not mapped. */
	assert_true(symbol_client_ask(&c, 0x7ffffffe, address, now_ns()));
	wait_for_news(&c, &h);
	assert_int_equal(h.last.kind, SYMBOL_GONE);
	assert_true(symbol_client_ask(&c, (uint32_t)getpid(), 1, now_ns()));
	wait_for_news(&c, &h);
	assert_int_equal(h.last.kind, SYMBOL_NO_FILE);
	symbol_client_free(&c);
}

static void replaces_a_helper(void **state)
{
	uint64_t address = (uint64_t)(uintptr_t)looked_up, later;
	struct symbol_client c;
	struct heard h = {0};

	symbol_client_init(&c);
	assert_true(symbol_client_ask(&c, (uint32_t)getpid(), address, now_ns()));
	kill(c.pid, SIGKILL);
	while (c.fd >= 0)
		wait_for_news(&c, &h);
	assert_int_equal(c.ended, 1);
	assert_false(symbol_client_ask(&c, (uint32_t)getpid(), address, now_ns()));
	later = c.start_at_ns;
	assert_true(symbol_client_ask(&c, (uint32_t)getpid(), address, later));
	wait_for_news(&c, &h);
	assert_string_equal(h.last.name, "looked_up");
	/* One that does not answer, and the process that it hangs on. */
	kill(c.pid, SIGSTOP);
	assert_true(symbol_client_ask(&c, (uint32_t)getpid(), 2, later));
	assert_true(symbol_client_hear(&c, later + 60 * NS_PER_S, on_answer, &h));
	assert_int_equal(c.ended, 2);
	assert_false(symbol_client_ask(&c, (uint32_t)getpid(), address, UINT64_MAX / 2));
	symbol_client_free(&c);
}

/* ---- the cache ------------------------------------------------------------------------------ */

static void learn(struct symbol_cache *c, uint32_t tgid, uint64_t layout, uint64_t address,
	uint64_t ino, uint32_t symbol, uint64_t now)
{
	const struct symbol_question q = {.tgid = tgid, .address = address};
	const struct symbol_answer a = {.kind = SYMBOL_FUNCTION,
		.layout = layout,
		.start = 0x10000,
		.end = 0x20000,
		.offset = 0x1000,
		.file = {.ino = ino},
		.begin = address - 0x10000 + 0x1000,
		.finish = address - 0x10000 + 0x1000 + 16};

	symbol_cache_put(c, &q, &a, symbol, now);
}

static void remembers(void **state)
{
	static struct symbol_cache c;
	const uint64_t now = NS_PER_S, stale = 3 * NS_PER_S;

	assert_int_equal(symbol_cache_find(&c, 1, 0x10000, now), 0);
	learn(&c, 1, 77, 0x10000, 5, 100, now);
	learn(&c, 1, 77, 0x10040, 5, 101, now);
	assert_int_equal(symbol_cache_find(&c, 1, 0x1000f, now), 100);
	assert_int_equal(symbol_cache_find(&c, 1, 0x10010, now), 0);
	assert_int_equal(symbol_cache_find(&c, 1, 0x10041, now), 101);
	assert_int_equal(symbol_cache_layout(&c, 1, now), 77);
	/* Another process with the same file knows it, too, as soon as its mapping is known. */
	learn(&c, 2, 78, 0x10080, 5, 102, now);
	assert_int_equal(symbol_cache_find(&c, 2, 0x10000, now), 100);
	/* After a while it may be another program. */
	assert_int_equal(symbol_cache_find(&c, 1, 0x10000, stale), 0);
	assert_int_equal(symbol_cache_layout(&c, 1, stale), 0);
	learn(&c, 1, 79, 0x10000, 6, 200, stale);
	assert_int_equal(symbol_cache_find(&c, 1, 0x10000, stale), 200);
	assert_int_equal(symbol_cache_find(&c, 1, 0x10040, stale), 0);
	symbol_cache_free(&c);
}

static void forgets_in_time(void **state)
{
	static struct symbol_cache c;
	const uint64_t now = NS_PER_S;

	for (uint32_t i = 0; i < 3 * SYMBOL_CACHE_FUNCTIONS; i++) {
		learn(&c, 1 + i % 100, 7, 0x10000 + 16 * (i % 4096), 1 + i / 4096, i + 1, now);
		assert_int_equal(
			symbol_cache_find(&c, 1 + i % 100, 0x10000 + 16 * (i % 4096), now), i + 1);
	}
	for (uint32_t i = 0; i < 3 * SYMBOL_CACHE_FILES; i++)
		learn(&c, 1, 7, 0x10000, 1000 + i, i + 1, now);
	assert_true(c.n_functions <= SYMBOL_CACHE_FUNCTIONS);
	assert_true(c.n_files <= SYMBOL_CACHE_FILES);
	symbol_cache_free(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(function_at_a_place),
		cmocka_unit_test(ranges_of_answers),
		cmocka_unit_test(files_that_lie),
		cmocka_unit_test(lines_of_maps),
		cmocka_unit_test(maps_without_end),
		cmocka_unit_test(asks_about_a_process),
		cmocka_unit_test(replaces_a_helper),
		cmocka_unit_test(remembers),
		cmocka_unit_test(forgets_in_time),
	};

	/* The helper is this program, started again. */
	if (symbol_helper_called(argc, argv))
		return symbol_helper_run();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
