/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where calls end: code as bytes, what is around it as symbols. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "target/probes/user_ends.h"
#include "target/probes/user_insn.h"
#include "target/probes/user_kind.h"

#define START    0x1000u /* the function */
#define OTHER    0x2000u /* another, 32 bytes */
#define COLD     0x3000u /* a part of it */
#define STUB     0x4000u
#define NAMELESS 0x5000u /* code, but no symbol */
#define TABLE    0x6000u /* constants */

struct file {
	const uint8_t *code, *cold, *table;
	size_t code_size, cold_size, table_size;
};

static size_t part_of(
	const uint8_t *bytes, size_t size, uint64_t at, uint64_t address, void *to, size_t n)
{
	if (!bytes || address < at || address - at >= size)
		return 0;
	n = n < size - (address - at) ? n : size - (size_t)(address - at);
	memcpy(to, bytes + (address - at), n);
	return n;
}

static size_t view_read(void *ctx, uint64_t address, void *to, size_t n)
{
	const struct file *f = ctx;
	size_t got = part_of(f->code, f->code_size, START, address, to, n);

	if (!got)
		got = part_of(f->cold, f->cold_size, COLD, address, to, n);
	return got ? got : part_of(f->table, f->table_size, TABLE, address, to, n);
}

static bool view_symbol(void *ctx, uint64_t address, struct user_symbol *out)
{
	const struct file *f = ctx;

	if (address - OTHER < 32)
		*out = (struct user_symbol){OTHER, 32, USER_FUNCTION};
	else if (f->cold && address - COLD < f->cold_size)
		*out = (struct user_symbol){COLD, f->cold_size, USER_PART};
	else if (address - STUB < 64)
		*out = (struct user_symbol){STUB, 64, USER_STUB};
	else
		return false;
	return true;
}

static bool view_is_code(void *ctx, uint64_t address)
{
	return address >= START && address < TABLE;
}

static struct user_ends ends(enum user_arch arch, const struct file *f)
{
	struct user_view v = {.arch = arch,
		.ctx = (void *)(uintptr_t)f,
		.read = view_read,
		.symbol = view_symbol,
		.is_code = view_is_code};
	struct user_body b = {.address = START, .size = f->code_size};
	struct user_ends e;

	user_ends_read(&v, &b, &e);
	return e;
}

/* Expected: offsets from START, or whole addresses. */
struct expected {
	uint64_t at;
	uint16_t when;
	bool again;
};

static void expect_file(enum user_arch arch, const struct file *f, enum user_ends_why why,
	const struct expected *x, size_t n)
{
	struct user_ends e = ends(arch, f);
	size_t i;

	assert_string_equal(user_ends_why(e.why), user_ends_why(why));
	assert_int_equal(e.n, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(e.at[i].address, x[i].at < START ? START + x[i].at : x[i].at);
		assert_int_equal(e.at[i].when, x[i].when);
		assert_int_equal(e.at[i].again, x[i].again);
	}
	user_ends_free(&e);
}

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
static void expect(enum user_arch arch, const uint8_t *code, size_t size, enum user_ends_why why,
	const struct expected *x, size_t n)
{
	struct file f = {.code = code, .code_size = size};

	expect_file(arch, &f, why, x, n);
}
#define ENDS(...)                                                                                  \
	(const struct expected[]){__VA_ARGS__},                                                    \
		sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected)
#define NO_ENDS NULL, 0
/* A 32-bit word's bytes. */
#define W(w) (w) & 255, (w) >> 8 & 255, (w) >> 16 & 255, (uint32_t)(w) >> 24

static void expect_words(enum user_arch arch, const uint32_t *words, size_t n_words,
	enum user_ends_why why, const struct expected *x, size_t n)
{
	uint8_t code[256];
	size_t i;

	for (i = 0; i < n_words; i++) {
		const uint8_t word[] = {W(words[i])};

		memcpy(code + 4 * i, word, 4);
	}
	expect(arch, code, 4 * n_words, why, x, n);
}
#define WORDS(...)                                                                                 \
	(const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

#if USER_INSN_X86

static void x86_returns(void **state)
{
	/* add $1,%eax; ret */
	expect(USER_X86_64, BYTES(0x83, 0xc0, 1, 0xc3), USER_ENDS_KNOWN, ENDS({3, 0, false}));
	/* test %edi,%edi; je 1f; ret; 1: rep ret */
	expect(USER_X86_64, BYTES(0x85, 0xff, 0x74, 1, 0xc3, 0xf3, 0xc3), USER_ENDS_KNOWN,
		ENDS({4, 0, false}, {5, 0, false}));
	/* ret $8, and bytes that look like a return inside of an instruction: mov $0xc3,%eax */
	expect(USER_X86_32, BYTES(0xb8, 0xc3, 0, 0, 0, 0xc2, 8, 0), USER_ENDS_KNOWN,
		ENDS({5, 0, false}));
	/* ud2: it never returns */
	expect(USER_X86_64, BYTES(0x0f, 0x0b), USER_ENDS_KNOWN, NO_ENDS);
	/* call, and nothing behind it: neither */
	expect(USER_X86_64, BYTES(0xe8, 0xfb, 0x0f, 0, 0), USER_ENDS_KNOWN, NO_ENDS);
}

static void x86_jumps_out(void **state)
{
	/* jmp OTHER; je OTHER, then ret */
	expect(USER_X86_64, BYTES(0xe9, 0xfb, 0x0f, 0, 0), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect(USER_X86_64, BYTES(0x0f, 0x84, 0xfa, 0x0f, 0, 0, 0xc3), USER_ENDS_KNOWN,
		ENDS({0, 5, false}, {6, 0, false}));
	/* jmp STUB; jmp into OTHER; jmp NAMELESS */
	expect(USER_X86_64, BYTES(0xe9, 0x0b, 0x30, 0, 0), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect(USER_X86_64, BYTES(0xe9, 0xfc, 0x0f, 0, 0), USER_ENDS_INTO_MIDDLE, NO_ENDS);
	expect(USER_X86_64, BYTES(0xe9, 0xfb, 0x3f, 0, 0), USER_ENDS_NAMELESS, NO_ENDS);
	/* jrcxz OTHER is out of its reach; jecxz to itself is a loop by a condition nobody sees */
	expect(USER_X86_64, BYTES(0xe3, 0xfe, 0xc3), USER_ENDS_CONDITION, NO_ENDS);
	/* jmp *8(%rdi); mov %rdi,%rax; jmp *%rax */
	expect(USER_X86_64, BYTES(0xff, 0x67, 8), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect(USER_X86_64, BYTES(0x48, 0x89, 0xf8, 0xff, 0xe0), USER_ENDS_KNOWN,
		ENDS({3, 0, false}));
	/* shl %rax; jmp *%rax: who knows */
	expect(USER_X86_64, BYTES(0x48, 0xd1, 0xe0, 0xff, 0xe0), USER_ENDS_INDIRECT, NO_ENDS);
}

static void x86_begins_again(void **state)
{
	/* dec %edi; jne 0; ret */
	expect(USER_X86_64, BYTES(0xff, 0xcf, 0x75, 0xfc, 0xc3), USER_ENDS_KNOWN,
		ENDS({2, 6, true}, {4, 0, false}));
	/* Go's: cmp; jbe 1f; ret; 1: call OTHER; jmp 0 */
	expect(USER_X86_64,
		BYTES(0x49, 0x3b, 0x66, 0x10, 0x76, 1, 0xc3, 0xe8, 0xf4, 0x0f, 0, 0, 0xeb, 0xf2),
		USER_ENDS_KNOWN, ENDS({6, 0, false}, {12, 0, true}));
}

static void x86_parts(void **state)
{
	/* test %edi,%edi; je COLD; ret */
	static const uint8_t code[] = {0x85, 0xff, 0x0f, 0x84, 0xf8, 0x1f, 0, 0, 0xc3};
	/* COLD: jmp back to the ret; or a ret of its own */
	static const uint8_t back[] = {0x90, 0xe9, 0x02, 0xe0, 0xff, 0xff};
	static const uint8_t returns[] = {0x90, 0xc3};
	struct file f = {.code = code, .code_size = sizeof(code), .cold = back};

	f.cold_size = sizeof(back);
	expect_file(USER_X86_64, &f, USER_ENDS_KNOWN, ENDS({8, 0, false}));
	f.cold = returns;
	f.cold_size = sizeof(returns);
	expect_file(USER_X86_64, &f, USER_ENDS_KNOWN, ENDS({8, 0, false}, {COLD + 1, 0, false}));
}

static void x86_tables(void **state)
{
	/* lea TABLE(%rip),%rdx; movslq (%rdx,%rdi,4),%rax; add %rdx,%rax; jmp *%rax; ret; ret */
	static const uint8_t code[] = {0x48, 0x8d, 0x15, 0xf9, 0x4f, 0, 0, 0x48, 0x63, 0x04, 0xba,
		0x48, 0x01, 0xd0, 0x3e, 0xff, 0xe0, 0xc3, 0xc3};
	static const uint8_t table[] = {W(START + 17 - TABLE), W(START + 18 - TABLE), W(0)};
	/* jmp *TABLE(,%rdi,8); ret */
	static const uint8_t absolute[] = {0xff, 0x24, 0xfd, 0, 0x60, 0, 0, 0xc3};
	static const uint8_t stays[] = {W(START + 7), W(0), W(0), W(0)};
	static const uint8_t leaves[] = {W(OTHER), W(0), W(OTHER), W(0)};
	struct file f = {.code = code, .code_size = sizeof(code), .table = table};

	f.table_size = sizeof(table);
	expect_file(USER_X86_64, &f, USER_ENDS_KNOWN, ENDS({17, 0, false}, {18, 0, false}));
	f = (struct file){.code = absolute, .code_size = sizeof(absolute), .table = stays};
	f.table_size = sizeof(stays);
	expect_file(USER_X86_64, &f, USER_ENDS_KNOWN, ENDS({7, 0, false}));
	f.code_size = 7;
	f.table = leaves;
	expect_file(USER_X86_64, &f, USER_ENDS_KNOWN, ENDS({0, 0, false}));
	f.table = NULL;
	expect_file(USER_X86_64, &f, USER_ENDS_INDIRECT, NO_ENDS);
}

static bool takes_probe(enum user_arch arch, const uint8_t *code, size_t size)
{
	struct user_insn insn;

	assert_true(user_insn_decode(arch, code, size, START, &insn));
	assert_int_equal(insn.length, size);
	return !insn.no_probe;
}

/* As the tables of arch/x86/kernel/uprobes.c have it. */
static void x86_refused(void **state)
{
	/* lock incl (%eax); cs, ds: of a load, of a return */
	assert_false(takes_probe(USER_X86_32, BYTES(0xf0, 0xff, 0)));
	assert_false(takes_probe(USER_X86_32, BYTES(0x2e, 0x8b, 0)));
	assert_false(takes_probe(USER_X86_32, BYTES(0x3e, 0xc3)));
	/* mov %gs:20,%eax: what a function with a stack protector begins with */
	assert_true(takes_probe(USER_X86_32, BYTES(0x65, 0xa1, 0x14, 0, 0, 0)));
	/* pop %ds; mov %eax,%ss and %es; int $0x80 */
	assert_false(takes_probe(USER_X86_32, BYTES(0x1f)));
	assert_false(takes_probe(USER_X86_32, BYTES(0x8e, 0xd0)));
	assert_true(takes_probe(USER_X86_32, BYTES(0x8e, 0xc0)));
	assert_false(takes_probe(USER_X86_32, BYTES(0xcd, 0x80)));
	/* push %es; movd %eax,%mm0, whose second byte counts for nothing */
	assert_true(takes_probe(USER_X86_32, BYTES(0x06)));
	assert_true(takes_probe(USER_X86_32, BYTES(0x0f, 0x6e, 0xc0)));
	/* vpxor, vmovdqa; vmovups: theirs does */
	assert_false(takes_probe(USER_X86_32, BYTES(0xc5, 0xf9, 0xef, 0xc0)));
	assert_false(takes_probe(USER_X86_64, BYTES(0xc5, 0xf9, 0x6f, 0)));
	assert_true(takes_probe(USER_X86_64, BYTES(0xc5, 0xf8, 0x10, 0)));
	/* vzeroupper, vpbroadcastb %esi,%ymm16: taken for jumps; vpsubsb: for a call; pshufd is no vector of theirs */
	assert_false(takes_probe(USER_X86_64, BYTES(0xc5, 0xf8, 0x77)));
	assert_false(takes_probe(USER_X86_64, BYTES(0x62, 0xe2, 0x7d, 0x28, 0x7a, 0xc6)));
	assert_false(takes_probe(USER_X86_64, BYTES(0xc5, 0xf9, 0xe8, 0xc0)));
	assert_true(takes_probe(USER_X86_64, BYTES(0x66, 0x0f, 0x70, 0xc0, 0)));
	/* vpaddq: in 64-bit code only */
	assert_true(takes_probe(USER_X86_32, BYTES(0xc5, 0xf9, 0xd4, 0xc0)));
	assert_false(takes_probe(USER_X86_64, BYTES(0xc5, 0xf9, 0xd4, 0xc0)));
	/* jmpw; movw, whose prefix is no harm */
	assert_false(takes_probe(USER_X86_32, BYTES(0x66, 0xe9, 0, 0)));
	assert_true(takes_probe(USER_X86_32, BYTES(0x66, 0x89, 0xc0)));
	/* nop; ds ret: where it ends is seen from the nop. ds ret alone: nowhere */
	expect(USER_X86_32, BYTES(0x90, 0x90, 0x3e, 0xc3), USER_ENDS_KNOWN, ENDS({1, 0, false}));
	expect(USER_X86_32, BYTES(0x3e, 0xc3), USER_ENDS_REFUSED, NO_ENDS);
}

static void x86_code_and_data(void **state)
{
	/* jmp over two bytes; nop; ret (nothing leads there); ret */
	expect(USER_X86_64, BYTES(0xeb, 2, 0x90, 0xc3, 0xc3), USER_ENDS_UNREACHED, NO_ENDS);
	/* A landing pad: jmp 1f; call OTHER; ret; 1: ret */
	expect(USER_X86_64, BYTES(0xeb, 6, 0xe8, 0xf9, 0x0f, 0, 0, 0xc3, 0xc3), USER_ENDS_KNOWN,
		ENDS({7, 0, false}, {8, 0, false}));
	/* A call of nothing is data. */
	expect(USER_X86_64, BYTES(0xeb, 6, 0xe8, 0, 0, 0, 0x70, 0xc3, 0xc3), USER_ENDS_UNREACHED,
		NO_ENDS);
	/* jmp into an instruction; bytes that are none; the end is missing */
	expect(USER_X86_64, BYTES(0x74, 1, 0xb8, 0xc3, 0, 0, 0, 0xc3), USER_ENDS_OVERLAPS, NO_ENDS);
	expect(USER_X86_64, BYTES(0x06, 0xc3), USER_ENDS_UNREADABLE, NO_ENDS);
	expect(USER_X86_64, BYTES(0x90), USER_ENDS_RUNS_ON, NO_ENDS);
	expect(USER_X86_64, (const uint8_t *)"", 0, USER_ENDS_NO_SIZE, NO_ENDS);
}

#endif

static void arm64_ends(void **state)
{
	/* ret; retaa behind autiasp; b OTHER */
	expect_words(USER_ARM64, WORDS(0xd65f03c0), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect_words(USER_ARM64, WORDS(0x910003fd, 0xa8c17bfd, 0xd65f0bff), USER_ENDS_KNOWN,
		ENDS({4, 0, false}));
	expect_words(USER_ARM64, WORDS(0xd65f0bff), USER_ENDS_REFUSED, NO_ENDS);
	expect_words(USER_ARM64, WORDS(0x14000400), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	/* cbz x0, OTHER; cbnz w7, OTHER; tbz x3, #35, OTHER; tbnz w30, #3, OTHER; ret */
	expect_words(USER_ARM64, WORDS(0xb4008000, 0x35007fe7, 0xb6187fc3, 0x37187fbe, 0xd65f03c0),
		USER_ENDS_KNOWN,
		ENDS({0, 0xa0, false}, {4, 0xc7, false}, {8, 0x1463, false}, {12, 0x187e, false},
			{16, 0, false}));
	/* sub x0, x0, #1; cbnz x0, 0; ret */
	expect_words(USER_ARM64, WORDS(0xd1000400, 0xb5ffffe0, 0xd65f03c0), USER_ENDS_KNOWN,
		ENDS({4, 0xe0, true}, {8, 0, false}));
	/* b.ne OTHER; ret */
	expect_words(USER_ARM64, WORDS(0x54008001, 0xd65f03c0), USER_ENDS_KNOWN,
		ENDS({0, 0x21, false}, {4, 0, false}));
	/* ldr x16, [x0, #8]; br x16 */
	expect_words(
		USER_ARM64, WORDS(0xf9400410, 0xd61f0200), USER_ENDS_KNOWN, ENDS({4, 0, false}));
	/* subs w0, w0, #1; b.ne 0; ret */
	expect_words(USER_ARM64, WORDS(0x71000400, 0x54ffffe1, 0xd65f03c0), USER_ENDS_KNOWN,
		ENDS({4, 0x21, true}, {8, 0, false}));
}

static void arm64_tables(void **state)
{
	/* cmp w0, #1; b.hi 1f; adrp x1, TABLE; add x1, x1, #0; ldrb w1, [x1, w0, uxtw];
	 * adr x2, 2f; add x1, x2, w1, sxtb #2; br x1; 2: ret; ret; 1: ret */
	static const uint8_t code[] = {W(0x7100041f), W(0x54000128), W(0xb0000021), W(0x91000021),
		W(0x38604821), W(0x10000062), W(0x8b218841), W(0xd61f0020), W(0xd65f03c0),
		W(0xd65f03c0), W(0xd65f03c0)};
	static const uint8_t table[] = {0, 1};
	struct file f = {.code = code, .code_size = sizeof(code), .table = table};

	f.table_size = sizeof(table);
	expect_file(USER_ARM64, &f, USER_ENDS_KNOWN,
		ENDS({32, 0, false}, {36, 0, false}, {40, 0, false}));
}

static void arm_ends(void **state)
{
	/* bx lr; pop {r4, pc}; mov pc, lr; ldr pc, [sp], #4; bxeq lr then pop {pc} */
	expect_words(USER_ARM, WORDS(0xe12fff1e), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect_words(USER_ARM, WORDS(0xe8bd8010), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect_words(USER_ARM, WORDS(0xe1a0f00e), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect_words(USER_ARM, WORDS(0xe49df004), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect_words(USER_ARM, WORDS(0x012fff1e, 0xe49df004), USER_ENDS_KNOWN,
		ENDS({0, 0, false}, {4, 0, false}));
	/* b OTHER; bne OTHER then bx lr: the kernel looks at the condition */
	expect_words(USER_ARM, WORDS(0xea0003fe), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	expect_words(USER_ARM, WORDS(0x1a0003fe, 0xe12fff1e), USER_ENDS_KNOWN,
		ENDS({0, 0, false}, {4, 0, false}));
	/* bx r3, an argument */
	expect_words(USER_ARM, WORDS(0xe12fff13), USER_ENDS_KNOWN, ENDS({0, 0, false}));
	/* cmp r0, #1; ldrls pc, [pc, r0, lsl #2]; b 1f; .word 2f, 3f; 1: bx lr; 2: bx lr; 3: bx lr */
	expect_words(USER_ARM,
		WORDS(0xe3500001, 0x979ff100, 0xea000001, START + 24, START + 28, 0xe12fff1e,
			0xe12fff1e, 0xe12fff1e),
		USER_ENDS_KNOWN, ENDS({20, 0, false}, {24, 0, false}, {28, 0, false}));
	/* cmp r0, #1; addls pc, pc, r0, lsl #2; b 1f; b 2f; b 3f; 1: 2: 3: bx lr */
	expect_words(USER_ARM,
		WORDS(0xe3500001, 0x908ff100, 0xea000001, 0xea000001, 0xea000001, 0xe12fff1e,
			0xe12fff1e, 0xe12fff1e),
		USER_ENDS_KNOWN, ENDS({20, 0, false}, {24, 0, false}, {28, 0, false}));
	/* No argument any more: mov r3, r0; mrc p15, 0, r3, c13, c0, 4; mrs r3, apsr; mov pc, r3 */
	expect_words(USER_ARM, WORDS(0xe1a03000, 0xee1d3f90, 0xe1a0f003, 0xe12fff1e),
		USER_ENDS_INDIRECT, NO_ENDS);
	expect_words(USER_ARM, WORDS(0xe1a03000, 0xe10f3000, 0xe1a0f003, 0xe12fff1e),
		USER_ENDS_INDIRECT, NO_ENDS);
	/* A literal that looks like a conditional return stays a literal. */
	expect_words(
		USER_ARM, WORDS(0xe59f0000, 0xe12fff1e, 0x012fff1e), USER_ENDS_UNREACHED, NO_ENDS);
}

/* What is read by another instruction is not what a call comes back to: it never does. */
static void constants_behind_a_call(void **state)
{
	/* ldr r0, [pc]; bl OTHER; .word */
	expect_words(USER_ARM, WORDS(0xe59f0000, 0xeb0003fd, 0x00010fd4), USER_ENDS_KNOWN, NO_ENDS);
	/* vldr d0, [pc]; ldrd r2, [pc]; bl OTHER; .double */
	expect_words(USER_ARM, WORDS(0xed9f0b00, 0xeb0003fd, 0x00010fd4, 0x00010fd4),
		USER_ENDS_KNOWN, NO_ENDS);
	expect_words(USER_ARM, WORDS(0xe1cf20d0, 0xeb0003fd, 0x00010fd4, 0x00010fd4),
		USER_ENDS_KNOWN, NO_ENDS);
	/* It is not read; a call on a condition goes on. */
	expect_words(
		USER_ARM, WORDS(0xe1a00000, 0xeb0003fd, 0x00010fd4), USER_ENDS_RUNS_ON, NO_ENDS);
	expect_words(
		USER_ARM, WORDS(0xe59f0000, 0x0b0003fd, 0x00010fd4), USER_ENDS_RUNS_ON, NO_ENDS);
	/* ldr x0, 8; bl OTHER; .quad */
	expect_words(
		USER_ARM64, WORDS(0x58000040, 0x940003ff, 0x00010fd4, 1), USER_ENDS_KNOWN, NO_ENDS);
	/* adr x0, 12; ldr x0, 12; br x0: nobody knows where to */
	expect_words(USER_ARM64, WORDS(0x10000060, 0x58000040, 0xd61f0000, 0xd65f03c0),
		USER_ENDS_INDIRECT, NO_ENDS);
}

static void names_say_kinds(void **state)
{
	assert_true(user_name_is_cold("work.cold"));
	assert_true(user_name_is_cold("work.cold.12"));
	assert_true(user_name_is_cold("work.isra.0.cold"));
	assert_false(user_name_is_cold("work.colder"));
	assert_false(user_name_is_cold("work"));
	assert_true(user_name_may_be_part("work.part.0"));
	assert_false(user_name_may_be_part("work.constprop.0"));
	assert_true(user_name_is_trampoline("__restore_rt"));
	assert_true(user_name_keeps_return("_setjmp"));
	assert_true(user_name_keeps_return("_start"));
	assert_false(user_name_keeps_return("start"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if USER_INSN_X86
		cmocka_unit_test(x86_returns),
		cmocka_unit_test(x86_jumps_out),
		cmocka_unit_test(x86_begins_again),
		cmocka_unit_test(x86_parts),
		cmocka_unit_test(x86_tables),
		cmocka_unit_test(x86_refused),
		cmocka_unit_test(x86_code_and_data),
#endif
		cmocka_unit_test(arm64_ends),
		cmocka_unit_test(arm64_tables),
		cmocka_unit_test(arm_ends),
		cmocka_unit_test(constants_behind_a_call),
		cmocka_unit_test(names_say_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
