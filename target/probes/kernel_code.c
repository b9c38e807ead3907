/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "framing/bytes.h"

/* Code of arm and arm64 comes in words. */
#define WORD 4u
/* What follows a function's last instruction up to the next symbol. */
#define PADDING_MOST 4096u
/* Kernel and modules lie this near to each other. */
#define REACH (UINT64_C(1) << 31)
/* Data lies behind the code. */
#define DATA_MOST (64u << 20)
/* Words looked at to tell A32 from Thumb code. */
#define SAMPLE 4096u

struct kernel_code {
	struct kernel_text *text;
	struct user_view view;
	uint64_t base; /* of `symbol` */
	uint32_t *symbol;
	size_t n, cap;
	uint64_t image, image_end; /* code and constants of the kernel itself; 0: not known */
	bool incomplete;           /* some have not found room */
	bool sealed;
	const char *unreadable; /* why nothing can be read, or NULL */
	/* The function that is looked at, as it was at one moment. */
	uint64_t address;
	size_t size;
	uint8_t *bytes;
};

/* ---- words ----------------------------------------------------------------------------------- */

/*
 * arch/arm64/include/asm/brk-imm.h, arch/arm/include/asm/{bug,probes,kgdb}.h. WARN() and BUG() on
 * arm64 are one instruction, of which the former goes on: as a call does, that may not come back.
 */
#define ARM64_BRK(imm) (0xd4200000u | (uint32_t)(imm) << 5)
#define ARM64_CALL     0xd63f0000u /* blr x0 */
#define ARM_BUG        0xe7f001f2u
#define ARM_TRAP       0xe7f000f0u /* the compiler's */

static bool is_trap_arm64(uint32_t word)
{
	return (word & 0xffe0001f) == ARM64_BRK(0);
}

/* KASAN, UBSAN and KCFI have their own numbers (0x900, 0x5500, 0x8000 and up), and may go on,
 * too. */
static bool is_own_trap_arm64(uint32_t word)
{
	uint32_t imm = word >> 5 & 0xffff;

	return imm == 0x800 || (imm & 0xff00) == 0x900 || (imm & 0xff00) == 0x5500 || imm >= 0x8000;
}

/* Any other of the undefined instructions that breakpoints are made of. */
static bool is_foreign_trap_arm(uint32_t word)
{
	return (word & 0x0ff000f0) == 0x07f000f0 && word != ARM_BUG && word != ARM_TRAP;
}

/* false: somebody else's breakpoint hides what is there. */
static bool make_readable(const struct kernel_code *c, uint8_t *b)
{
	uint32_t word = get_le32(b);

	if (c->view.arch == USER_ARM)
		return !is_foreign_trap_arm(word);
	if (!is_trap_arm64(word))
		return true;
	if (!is_own_trap_arm64(word))
		return false;
	put_le32(b, ARM64_CALL);
	return true;
}

/* ---- symbols --------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort(struct kernel_code *c)
{
	size_t i, n = 0;

	if (c->n)
		qsort(c->symbol, c->n, sizeof(*c->symbol), by_value);
	for (i = 0; i < c->n; i++)
		if (!n || c->symbol[n - 1] != c->symbol[i])
			c->symbol[n++] = c->symbol[i];
	c->n = n;
}

void kernel_code_symbol(struct kernel_code *c, const char *name, uint64_t address)
{
	if (name[0] == '$')
		return;
	/* arch/{arm,arm64}/kernel/vmlinux.lds.S: constants follow the code, and then what goes when
	 * the kernel is up. */
	if (!strcmp(name, "_stext"))
		c->image = address;
	else if (!strcmp(name, "_sinittext"))
		c->image_end = address;
	if (!c->n)
		c->base = address > REACH ? address - REACH : 0;
	if (address - c->base > UINT32_MAX)
		return;
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap + c->cap / 2 : 4096;
		uint32_t *grown = realloc(c->symbol, cap * sizeof(*grown));

		if (!grown) {
			c->incomplete = true;
			return;
		}
		c->symbol = grown;
		c->cap = cap;
	}
	c->symbol[c->n++] = (uint32_t)(address - c->base);
}

/* The last symbol at or before an address, and where the next one is; false: there is none, or no
 * next. */
static bool around(const struct kernel_code *c, uint64_t address, uint64_t *begin, uint64_t *end)
{
	size_t lo = 0, hi = c->n;

	if (address - c->base > UINT32_MAX)
		return false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->symbol[mid] <= address - c->base)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || lo == c->n)
		return false;
	*begin = c->base + c->symbol[lo - 1];
	*end = c->base + c->symbol[lo];
	return true;
}

/* ---- what user_ends.c asks for --------------------------------------------------------------- */

static bool in_image(const struct kernel_code *c, uint64_t address, size_t n)
{
	return c->image < c->image_end && address >= c->image && address < c->image_end &&
	       n <= c->image_end - address;
}

/* Beside the function there are tables. What reads any mapping is asked for the kernel's own only:
 * a module's may be anything by now, or beside anything. */
static size_t view_read(void *ctx, uint64_t address, void *to, size_t n)
{
	const struct kernel_code *c = ctx;
	uint64_t into = address - c->address;

	if (into >= c->size)
		return c->text->any_mapping && !in_image(c, address, n)
			       ? 0
			       : c->text->read(c->text, address, to, n);
	if (n > c->size - into)
		n = (size_t)(c->size - into);
	memcpy(to, c->bytes + into, n);
	return n;
}

static bool view_symbol(void *ctx, uint64_t address, struct user_symbol *out)
{
	uint64_t begin, end;

	if (!around(ctx, address, &begin, &end))
		return false;
	*out = (struct user_symbol){begin, end - begin, USER_FUNCTION};
	return true;
}

/* Of what nothing leads to and calls something: calls lead to functions. */
static bool view_is_code(void *ctx, uint64_t address)
{
	uint64_t begin, end;

	return around(ctx, address, &begin, &end) && begin == address;
}

/* ---- one function ---------------------------------------------------------------------------- */

/* Most words of A32 code are not conditional, which is their upper four bits; in Thumb code
 * (CONFIG_THUMB2_KERNEL) these are anything. */
static bool is_a32(const struct kernel_code *c, uint64_t near)
{
	uint8_t *b = malloc(SAMPLE * WORD);
	size_t n = b ? c->text->read(c->text, near, b, SAMPLE * WORD) / WORD : 0, i, always = 0;

	for (i = 0; i < n; i++)
		always += b[i * WORD + WORD - 1] >> 4 == 14;
	free(b);
	return n && always > n / 2;
}

static void seal(struct kernel_code *c, uint64_t near)
{
	if (c->sealed)
		return;
	c->sealed = true;
	sort(c);
	if (c->incomplete)
		c->unreadable = user_ends_why(USER_ENDS_NO_MEMORY);
	else if (c->view.arch == USER_ARM && !is_a32(c, near))
		c->unreadable = "this kernel is no A32 code, but Thumb-2";
}

/* From the begin on: behind the last function of a module there is a page that nothing is mapped
 * to, and then what is no memory, maybe. */
static const char *fetch(struct kernel_code *c, uint64_t address, size_t size)
{
	size_t i;

	c->bytes = malloc(size);
	if (!c->bytes)
		return user_ends_why(USER_ENDS_NO_MEMORY);
	if (c->text->read(c->text, address, c->bytes, size) != size)
		return user_ends_why(USER_ENDS_UNREADABLE);
	for (i = 0; i + WORD <= size; i += WORD)
		if (!make_readable(c, c->bytes + i))
			return user_ends_why(USER_ENDS_UNREADABLE);
	c->address = address;
	c->size = size;
	return NULL;
}

static void forget(struct kernel_code *c)
{
	free(c->bytes);
	c->bytes = NULL;
	c->size = 0;
}

static bool decode(const struct kernel_code *c, uint64_t address, struct user_insn *insn)
{
	return user_insn_decode(
		c->view.arch, c->bytes + (address - c->address), WORD, address, insn);
}

/* Its size without what fills the room up to the next symbol; 0: nothing is left. */
static size_t trim(const struct kernel_code *c)
{
	size_t size = c->size, least = size > PADDING_MOST ? size - PADDING_MOST : 0;
	struct user_insn insn;

	if (size % WORD)
		return 0;
	while (size > least) {
		if (!decode(c, c->address + size - WORD, &insn) || !insn.padding)
			return size;
		size -= WORD;
	}
	return 0;
}

/* Of what the kernel was linked with. */
static bool is_address(const struct kernel_code *c, uint32_t word)
{
	uint64_t first = c->base + c->symbol[0], last = c->base + c->symbol[c->n - 1];

	return word >= first && word < last + DATA_MOST;
}

/*
 * Does control come back to the caller there? On arm a word of data behind a call that never comes
 * back may read as a conditional return: addresses do, and those of the kernel are known.
 */
static bool is_return(const struct kernel_code *c, uint64_t address)
{
	const uint8_t *b = c->bytes + (address - c->address);
	struct user_insn insn;

	if (!decode(c, address, &insn) || insn.flow != FLOW_RETURN)
		return false;
	return c->view.arch != USER_ARM || !insn.conditional || !is_address(c, get_le32(b));
}

static const char *take(
	const struct kernel_code *c, uint64_t address, const struct user_ends *e, uint32_t *out)
{
	size_t i;

	if (!e->n)
		return "it never returns";
	if (e->n > KERNEL_ENDS_MAX)
		return "it returns in too many places";
	for (i = 0; i < e->n; i++) {
		if (e->at[i].again || !is_return(c, e->at[i].address))
			return "it leaves by a jump into another function";
		/* Two probes in one place would run in the order of their making. */
		if (e->at[i].address == address)
			return "its first instruction is its last";
		out[i] = (uint32_t)(e->at[i].address - address);
	}
	return NULL;
}

static size_t read_ends(struct kernel_code *c, uint32_t *out, const char **why)
{
	struct user_body body = {.address = c->address, .size = trim(c)};
	struct user_ends e;
	size_t n;

	user_ends_read(&c->view, &body, &e);
	*why = e.why ? user_ends_why(e.why) : take(c, c->address, &e, out);
	n = *why ? 0 : e.n;
	user_ends_free(&e);
	return n;
}

size_t kernel_code_ends(struct kernel_code *c, uint64_t address, uint32_t *out, const char **why)
{
	uint64_t begin, end;
	size_t n = 0;

	seal(c, address);
	*why = c->unreadable;
	if (*why)
		return 0;
	*why = user_ends_why(USER_ENDS_NO_SIZE);
	if (!around(c, address, &begin, &end) || begin != address || end - begin > USER_BODY_MAX)
		return 0;
	*why = fetch(c, address, (size_t)(end - begin));
	if (!*why)
		n = read_ends(c, out, why);
	forget(c);
	return n;
}

/* ---- the kernel ------------------------------------------------------------------------------ */

struct kernel_code *kernel_code_new(struct kernel_text *text, enum user_arch arch)
{
	struct kernel_code *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->text = text;
	c->view = (struct user_view){
		.arch = arch,
		.ctx = c,
		.read = view_read,
		.symbol = view_symbol,
		.is_code = view_is_code,
	};
	return c;
}

struct kernel_code *kernel_code_open(
	const struct maps *maps, const struct ayp_params *params, int *err)
{
	struct kernel_text *text = kernel_text_open(maps, params, err);
	struct kernel_code *c;

	if (!text)
		return NULL;
	/* Its class is this program's own. */
	c = kernel_code_new(text, sizeof(void *) == 8 ? USER_ARM64 : USER_ARM);
	if (!c) {
		*err = -ENOMEM;
		kernel_text_close(text);
	}
	return c;
}

void kernel_code_close(struct kernel_code *c)
{
	if (!c)
		return;
	kernel_text_close(c->text);
	free(c->symbol);
	free(c);
}
