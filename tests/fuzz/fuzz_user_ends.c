/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Code of any bytes: a list of ends comes out only whole, in order, at instructions of the function, and what is
 * there leaves it. The first bytes say which machine's code it is and where the pieces of the file are.
 */
#include <string.h>

#include "target/probes/user_ends.h"
#include "tests/fuzz/fuzz.h"

#define START 0x1000u
#define HEAD  4u

struct file {
	const uint8_t *bytes;
	size_t size,
		body; /* the function is the first `body` bytes, its part the next, tables the rest */
};

static size_t view_read(void *ctx, uint64_t address, void *to, size_t n)
{
	const struct file *f = ctx;

	if (address < START || address - START >= f->size)
		return 0;
	n = n < f->size - (address - START) ? n : f->size - (size_t)(address - START);
	memcpy(to, f->bytes + (address - START), n);
	return n;
}

static bool view_symbol(void *ctx, uint64_t address, struct user_symbol *out)
{
	const struct file *f = ctx;
	uint64_t part = START + f->body;

	if (address >= part && address < part + f->body / 2 &&
		part + f->body / 2 <= START + f->size)
		*out = (struct user_symbol){part, f->body / 2, USER_PART};
	else if (address % 3 == 0)
		*out = (struct user_symbol){address, 16, USER_FUNCTION};
	else
		return false;
	return true;
}

static bool view_is_code(void *ctx, uint64_t address)
{
	return address % 2;
}

static void check(enum user_arch arch, const struct file *f, const struct user_ends *e)
{
	for (size_t i = 0; i < e->n; i++) {
		uint8_t bytes[USER_INSN_MAX];
		struct user_insn insn;
		size_t n = view_read((void *)(uintptr_t)f, e->at[i].address, bytes, sizeof(bytes));

		MUST(n && user_insn_decode(arch, bytes, n, e->at[i].address, &insn));
		MUST(!insn.no_probe);
		MUST(e->at[i].address < START + f->body + f->body / 2);
		MUST(!i || e->at[i - 1].address <= e->at[i].address);
		MUST(e->at[i].when != USER_UNKNOWN);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file f = {.bytes = data + HEAD, .size = size - HEAD};
	struct user_view v = {
		.ctx = &f, .read = view_read, .symbol = view_symbol, .is_code = view_is_code};
	struct user_body b = {.address = START};
	struct user_ends e;

	if (size <= HEAD)
		return 0;
	v.arch = (enum user_arch)(data[0] % USER_ARCHS);
	v.got = data[1];
	f.body = b.size = ((size_t)data[2] | (size_t)data[3] << 8) % (f.size + 1);
	user_ends_read(&v, &b, &e);
	MUST(e.why == USER_ENDS_KNOWN || (!e.n && !e.at));
	if (e.why == USER_ENDS_KNOWN)
		check(v.arch, &f, &e);
	user_ends_free(&e);
	return 0;
}
