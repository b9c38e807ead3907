/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The sources of the running kernel's code: each must give what the kernel says of itself, and both the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/probes/kernel_text.h"
#include "target/probes/object.h"

#define PAGE 4096u

struct sources {
	struct maps maps;
	struct ayp_params params;
	struct kernel_text *bpf, *kcore;
	uint64_t banner, text; /* linux_banner, which /proc/version prints; _stext */
};

static void find_symbols(struct sources *s)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char line[512], name[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) != 2)
			continue;
		if (!strcmp(name, "linux_banner"))
			s->banner = address;
		else if (!strcmp(name, "_stext"))
			s->text = address;
	}
	if (f)
		fclose(f);
}

static int open_sources(void **state)
{
	static struct sources s;
	struct maps_sizes sizes = {.ring_bytes = 1 << 16, .n_funcs = 1};
	const char *what;
	int err;

	*state = &s;
	object_set_messages();
	if (geteuid() || maps_create(&s.maps, &sizes, &what))
		return 0;
	find_symbols(&s);
	s.bpf = kernel_text_bpf(&s.maps, &s.params, &err);
	if (!s.bpf)
		print_message("by BPF: %s\n", strerror(-err));
	s.kcore = kernel_text_kcore(&err);
	if (!s.kcore)
		print_message("/proc/kcore: %s\n", strerror(-err));
	return 0;
}

static int close_sources(void **state)
{
	struct sources *s = *state;

	kernel_text_close(s->bpf);
	kernel_text_close(s->kcore);
	if (!geteuid())
		maps_destroy(&s->maps);
	return 0;
}

static void needs(bool there, const char *what)
{
	if (there)
		return;
	print_message("needs %s\n", what);
	skip();
}

#define PROGRAM "root, and a kernel that runs programs for us (Linux 5.10)"
#define SYMBOLS "addresses in /proc/kallsyms (kptr_restrict)"
#define DATA    "addresses of data in /proc/kallsyms (CONFIG_KALLSYMS_ALL)"
#define KCORE   "/proc/kcore, and the right to it"

static void reads_banner(struct kernel_text *t, uint64_t banner)
{
	char expected[512] = "", got[sizeof(expected)];
	FILE *f = fopen("/proc/version", "re");
	size_t n, at;

	assert_non_null(f);
	n = fread(expected, 1, sizeof(expected) - 1, f);
	fclose(f);
	assert_true(n > 20);
	assert_int_equal(t->read(t, banner, got, n), n);
	assert_memory_equal(got, expected, n);
	for (at = 0; at < n; at += 7) {
		assert_int_equal(t->read(t, banner + at, got, 5), 5);
		assert_memory_equal(got, expected + at, n - at < 5 ? n - at : 5);
	}
}

static void the_program_reads_what_the_kernel_holds(void **state)
{
	const struct sources *s = *state;

	needs(s->bpf, PROGRAM);
	needs(s->banner, DATA);
	assert_true(s->bpf->any_mapping);
	reads_banner(s->bpf, s->banner);
	if (s->kcore)
		reads_banner(s->kcore, s->banner);
}

static void nothing_is_where_nothing_is_mapped(void **state)
{
	const struct sources *s = *state;
	uint8_t b[16];

	needs(s->bpf, PROGRAM);
	assert_int_equal(s->bpf->read(s->bpf, 0, b, sizeof(b)), 0);
	assert_int_equal(s->bpf->read(s->bpf, 16, b, sizeof(b)), 0);
	/* To the end of all addresses, and not over it. */
	assert_int_equal(s->bpf->read(s->bpf, UINT64_MAX - 3, b, sizeof(b)), 0);
}

/* Pieces that lie over borders of pages, and are longer than one. */
static void pieces_fit_together(void **state)
{
	const struct sources *s = *state;
	uint8_t *whole, *piece;
	size_t at;

	needs(s->bpf, PROGRAM);
	needs(s->text, SYMBOLS);
	whole = malloc(4 * PAGE);
	piece = malloc(2 * PAGE);
	assert_int_equal(s->bpf->read(s->bpf, s->text, whole, 4 * PAGE), 4 * PAGE);
	for (at = 3; at < 2 * PAGE; at += 1001) {
		assert_int_equal(s->bpf->read(s->bpf, s->text + at, piece, PAGE + 5), PAGE + 5);
		assert_memory_equal(piece, whole + at, PAGE + 5);
	}
	free(whole);
	free(piece);
}

/* The code may be patched between two looks. */
#define TRIES 5
static void both_sources_say_the_same(void **state)
{
	const struct sources *s = *state;
	size_t n = 64 * PAGE, i;
	uint8_t *a, *b;

	needs(s->bpf, PROGRAM);
	needs(s->text, SYMBOLS);
	needs(s->kcore, KCORE);
	a = malloc(n);
	b = malloc(n);
	for (i = 0; i < TRIES; i++) {
		memset(b, 0, n);
		assert_int_equal(s->bpf->read(s->bpf, s->text, a, n), n);
		assert_int_equal(s->kcore->read(s->kcore, s->text, b, n), n);
		if (!memcmp(a, b, n))
			break;
	}
	assert_true(i < TRIES);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_reads_what_the_kernel_holds),
		cmocka_unit_test(nothing_is_where_nothing_is_mapped),
		cmocka_unit_test(pieces_fit_together),
		cmocka_unit_test(both_sources_say_the_same),
	};

	return cmocka_run_group_tests(tests, open_sources, close_sources);
}
