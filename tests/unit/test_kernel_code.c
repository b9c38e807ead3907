/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where calls of kernel functions end: a core file in place of /proc/kcore, symbols as kallsyms has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/probes/elf_native.h"
#include "target/probes/kernel_code.h"

#if UINTPTR_MAX > UINT32_MAX
#define TEXT UINT64_C(0xffff800008010000)
#else
#define TEXT UINT64_C(0xc0010000)
#endif
#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__i386__)
#define MACHINE EM_386
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__arm__)
#define MACHINE EM_ARM
#endif
#define WORDS 96u

/* A64, Arm ARM DDI 0487 C6.2. */
#define RET        0xd65f03c0u
#define NOP        0xd503201fu
#define B(words)   (0x14000000u | ((uint32_t)(words)&0x3ffffff))
#define CBZ(words) (0xb4000000u | (uint32_t)(words) << 5) /* x0 */
#define BL(words)  (0x94000000u | ((uint32_t)(words)&0x3ffffff))
#define BRK(imm)   (0xd4200000u | (uint32_t)(imm) << 5)
#define ADD        0x91000400u
/* The next function. */
#define OTHER 64u

static int core_file(const uint32_t *words, uint16_t machine)
{
	native_ehdr h = {.e_type = ET_CORE,
		.e_machine = machine,
		.e_phoff = sizeof(h),
		.e_phentsize = sizeof(native_phdr),
		.e_phnum = 2};
	native_phdr ph[2] = {{.p_type = PT_NOTE},
		{.p_type = PT_LOAD, .p_vaddr = TEXT, .p_offset = 4096, .p_filesz = WORDS * 4}};
	int fd = memfd_create("core", 0);

	memcpy(h.e_ident, ELFMAG, SELFMAG);
	h.e_ident[EI_CLASS] = ELF_NATIVE_CLASS;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	assert_int_equal(pwrite(fd, ph, sizeof(ph), sizeof(h)), sizeof(ph));
	assert_int_equal(pwrite(fd, words, WORDS * 4, 4096), WORDS * 4);
	return fd;
}

static struct kernel_text *core(const uint32_t *words, uint16_t machine, int *err)
{
	int fd = core_file(words, machine);
	struct kernel_text *k;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	k = kernel_text_kcore_file(path, err);
	close(fd);
	return k;
}

/* Ends of the function in the first OTHER words, the rest of which are filled as a linker does. */
static size_t ends_of(enum user_arch arch, const uint32_t *code, size_t n, uint32_t fill,
	uint32_t *out, const char **why)
{
	uint32_t words[WORDS];
	struct kernel_code *c;
	int err = 0;
	size_t i, found;

	for (i = 0; i < WORDS; i++)
		words[i] = i < n ? code[i] : fill;
	words[OTHER] = arch == USER_ARM64 ? RET : 0xe12fff1e;
	c = kernel_code_new(core(words, MACHINE, &err), arch);
	assert_int_equal(err, 0);
	assert_non_null(c);
	/* In no order, and some more than once. */
	kernel_code_symbol(c, "other", TEXT + 4 * OTHER);
	kernel_code_symbol(c, "end", TEXT + 4 * (WORDS - 1));
	kernel_code_symbol(c, "function", TEXT);
	kernel_code_symbol(c, "alias", TEXT);
	kernel_code_symbol(c, "$x", TEXT + 4);
	found = kernel_code_ends(c, TEXT, out, why);
	kernel_code_close(c);
	return found;
}

#define ENDS(arch, fill, code, out, why) ends_of(arch, code, sizeof(code) / 4, fill, out, why)

static void returns_are_found(void **state)
{
	static const uint32_t code[] = {NOP, CBZ(3), ADD, RET, ADD, RET};
	uint32_t out[KERNEL_ENDS_MAX];
	const char *why;

	assert_int_equal(ENDS(USER_ARM64, NOP, code, out, &why), 2);
	assert_null(why);
	assert_int_equal(out[0], 12);
	assert_int_equal(out[1], 20);
	assert_int_equal(ENDS(USER_ARM64, 0, code, out, &why), 2);
}

/* A jump label: what stands there leads to one of two ways through the function, the other has no way to it. */
static void jump_labels_make_no_difference(void **state)
{
	uint32_t code[] = {ADD, NOP, ADD, RET, BL(OTHER - 4), B(-3)};
	uint32_t out[KERNEL_ENDS_MAX];
	const char *why;

	assert_int_equal(ENDS(USER_ARM64, NOP, code, out, &why), 1);
	assert_int_equal(out[0], 12);
	code[1] = B(3);
	assert_int_equal(ENDS(USER_ARM64, NOP, code, out, &why), 1);
	assert_int_equal(out[0], 12);
}

static void a_warning_goes_on(void **state)
{
	static const uint32_t code[] = {ADD, CBZ(2), RET, BRK(0x800), ADD, RET};
	uint32_t out[KERNEL_ENDS_MAX];
	const char *why;

	assert_int_equal(ENDS(USER_ARM64, NOP, code, out, &why), 2);
	assert_int_equal(out[1], 20);
}

static void functions_are_left_alone(void **state)
{
	static const uint32_t probed[] = {ADD, CBZ(2), BRK(4), ADD, RET};
	static const uint32_t tail_call[] = {ADD, CBZ(2), RET, B(OTHER - 3)};
	static const uint32_t middle[] = {ADD, CBZ(2), RET, B(OTHER - 2)};
	static const uint32_t only[] = {RET};
	static const uint32_t runs_on[] = {ADD, CBZ(2), RET, ADD};
	static const uint32_t never[] = {ADD, ADD, B(-1)};
	uint32_t out[KERNEL_ENDS_MAX];
	const char *why = NULL;

	/* Another tool's breakpoint stands where it may return. */
	assert_int_equal(ENDS(USER_ARM64, NOP, probed, out, &why), 0);
	assert_string_equal(why, "its code cannot be decoded");
	assert_int_equal(ENDS(USER_ARM64, NOP, tail_call, out, &why), 0);
	assert_string_equal(why, "it leaves by a jump into another function");
	assert_int_equal(ENDS(USER_ARM64, NOP, middle, out, &why), 0);
	assert_int_equal(ENDS(USER_ARM64, NOP, only, out, &why), 0);
	assert_string_equal(why, "its first instruction is its last");
	assert_int_equal(ENDS(USER_ARM64, NOP, runs_on, out, &why), 0);
	assert_int_equal(ENDS(USER_ARM64, NOP, never, out, &why), 0);
	assert_string_equal(why, "it never returns");
}

static void too_many_are_left_alone(void **state)
{
	uint32_t code[2 * KERNEL_ENDS_MAX + 1], out[KERNEL_ENDS_MAX];
	const char *why;
	size_t i;

	for (i = 0; i < KERNEL_ENDS_MAX; i++) {
		code[2 * i] = CBZ(2);
		code[2 * i + 1] = RET;
	}
	code[2 * i] = RET;
	assert_int_equal(ENDS(USER_ARM64, NOP, code, out, &why), 0);
	assert_string_equal(why, "it returns in too many places");
	code[0] = ADD;
	code[1] = ADD;
	assert_int_equal(ENDS(USER_ARM64, NOP, code, out, &why), KERNEL_ENDS_MAX);
}

#define ARM_RET   0xe8bd8010u /* pop {r4, pc} */
#define ARM_NOP   0xe320f000u
#define ARM_PUSH  0xe92d4010u
#define ARM_BL    0xeb00003au /* to OTHER from word 4 */
#define ARM_BXEQ  0x012fff1eu
#define ARM_CMP   0xe3500000u
#define ARM_ENTRY 0xe1a0c00du

static void arm_returns_are_found(void **state)
{
	static const uint32_t code[] = {ARM_CMP, ARM_BXEQ, ARM_PUSH, ARM_ENTRY, ARM_BL, ARM_RET};
	static const uint32_t probed[] = {
		ARM_CMP, 0x07f001f8u, ARM_PUSH, ARM_ENTRY, ARM_BL, ARM_RET};
	uint32_t out[KERNEL_ENDS_MAX];
	const char *why;

	assert_int_equal(ENDS(USER_ARM, ARM_NOP, code, out, &why), 2);
	assert_int_equal(out[0], 4);
	assert_int_equal(out[1], 20);
	assert_int_equal(ENDS(USER_ARM, ARM_NOP, probed, out, &why), 0);
}

static void thumb_is_not_read(void **state)
{
	static const uint32_t code[] = {ARM_CMP, ARM_BXEQ, ARM_PUSH, ARM_ENTRY, ARM_BL, ARM_RET};
	uint32_t out[KERNEL_ENDS_MAX];
	const char *why;

	/* Thumb's nop, twice a word: what is around the function says that this is no A32 code. */
	assert_int_equal(ENDS(USER_ARM, 0xbf00bf00u, code, out, &why), 0);
	assert_string_equal(why, "this kernel is no A32 code, but Thumb-2");
}

static void only_what_is_there_is_read(void **state)
{
	uint32_t words[WORDS] = {NOP}, word;
	int err = 0;
	struct kernel_text *k = core(words, MACHINE, &err);

	assert_non_null(k);
	assert_false(k->any_mapping);
	assert_int_equal(k->read(k, TEXT, &word, 4), 4);
	assert_int_equal(word, NOP);
	assert_int_equal(k->read(k, TEXT + WORDS * 4 - 2, &word, 4), 2);
	assert_int_equal(k->read(k, TEXT + WORDS * 4, &word, 4), 0);
	assert_int_equal(k->read(k, TEXT - 1, &word, 4), 0);
	kernel_text_close(k);
	assert_null(core(words, EM_SPARC, &err));
	assert_true(err < 0);
	assert_null(kernel_text_kcore_file("/dev/null", &err));
	assert_true(err < 0);
}

/* ---- a source that reads any mapping --------------------------------------------------------- */

#define TABLE (TEXT + 4 * 80)
static struct {
	uint32_t words[WORDS];
	uint64_t first, end; /* what was asked for, except for `end` that lay within the words */
	size_t asked;
} mapped;

static size_t read_mapped(struct kernel_text *t, uint64_t address, void *to, size_t n)
{
	uint64_t into = address - TEXT;

	if (!mapped.asked++ || address < mapped.first)
		mapped.first = address;
	if (into >= sizeof(mapped.words))
		return 0;
	n = n < sizeof(mapped.words) - into ? n : (size_t)(sizeof(mapped.words) - into);
	memcpy(to, (uint8_t *)mapped.words + into, n);
	mapped.end = address + n > mapped.end ? address + n : mapped.end;
	return n;
}

static void close_mapped(struct kernel_text *t)
{
}

/* A switch: ldr pc, [pc, r0, lsl #2] by a table elsewhere, as arm64 code has it. */
static size_t ends_of_switch(uint64_t image_end, uint32_t *out, const char **why)
{
	/* cmp w0, #1; b.hi 7; adrp x1, page; add x1, x1, #rest; ldrsw x2, [x1, w0, uxtw #2]; adr x3, 7; add x2, x3, x2;
	 * br x2 */
	static const uint32_t code[] = {0x7100041f, 0x540000e8, 0x90000001,
		0x91000021 | (uint32_t)(TABLE & 0xfff) << 10, 0xb8a05822, 0x10000063, 0x8b020062,
		0xd61f0040, RET, ADD, RET};
	static struct kernel_text text = {"test", true, read_mapped, close_mapped};
	struct kernel_code *c = kernel_code_new(&text, USER_ARM64);
	size_t n, i;

	memset(&mapped, 0, sizeof(mapped));
	for (i = 0; i < WORDS; i++)
		mapped.words[i] = i < sizeof(code) / 4 ? code[i] : NOP;
	/* From word 8 on: 0 and 1 further. */
	mapped.words[80] = 0;
	mapped.words[81] = 4;
	assert_non_null(c);
	kernel_code_symbol(c, "_stext", TEXT);
	kernel_code_symbol(c, "other", TEXT + 4 * OTHER);
	kernel_code_symbol(c, "_sinittext", image_end);
	n = kernel_code_ends(c, TEXT, out, why);
	kernel_code_close(c);
	return n;
}

static void tables_of_the_image_are_read(void **state)
{
	uint32_t out[KERNEL_ENDS_MAX];
	const char *why;

	if (TEXT > UINT32_MAX) {
		assert_int_equal(ends_of_switch(TABLE + 8, out, &why), 2);
		assert_int_equal(out[1], 40);
		assert_int_equal(mapped.end, TABLE + 8);
	}
	assert_int_equal(ends_of_switch(TABLE, out, &why), 0);
	assert_true(mapped.first == TEXT && mapped.end <= TABLE);
}

/* What follows a module's last function may be a device: nothing behind a page that is not there is asked for. */
static void a_last_function_is_read_from_its_begin(void **state)
{
	static struct kernel_text text = {"test", true, read_mapped, close_mapped};
	struct kernel_code *c = kernel_code_new(&text, USER_ARM64);
	uint32_t out[KERNEL_ENDS_MAX];
	const char *why;

	memset(&mapped, 0, sizeof(mapped));
	assert_non_null(c);
	kernel_code_symbol(c, "last", TEXT + 4 * OTHER);
	kernel_code_symbol(c, "of_another", TEXT + 0x20000);
	assert_int_equal(kernel_code_ends(c, TEXT + 4 * OTHER, out, &why), 0);
	assert_string_equal(why, "its code cannot be decoded");
	assert_int_equal(mapped.asked, 1);
	assert_int_equal(mapped.first, TEXT + 4 * OTHER);
	kernel_code_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(returns_are_found),
		cmocka_unit_test(jump_labels_make_no_difference),
		cmocka_unit_test(a_warning_goes_on),
		cmocka_unit_test(functions_are_left_alone),
		cmocka_unit_test(too_many_are_left_alone),
		cmocka_unit_test(arm_returns_are_found),
		cmocka_unit_test(thumb_is_not_read),
		cmocka_unit_test(only_what_is_there_is_read),
		cmocka_unit_test(tables_of_the_image_are_read),
		cmocka_unit_test(a_last_function_is_read_from_its_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
