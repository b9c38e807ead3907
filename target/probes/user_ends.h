/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where do calls of a function end? At its return instructions and at the jumps that leave it for
 * another function (tail calls). Found by reading its code: a probe there changes nothing on the
 * stack, so exceptions, longjmp, coroutines and Go's moving stacks work as without it.
 *
 * Pure: code comes through callbacks, a list comes out. A function that cannot be read soundly gets
 * a reason instead of a list: a probe in the wrong place would break the program.
 *
 * What is sound:
 * - Control flow is followed from the first instruction. x86 code is swept from the start, too; what
 *   is reached must lie where the sweep found instructions.
 * - Parts of the function elsewhere (.cold) belong to it; what jumps into anything else leaves.
 * - A jump through a table must be shown to stay (the table is read) or to leave.
 * - What nothing leads to (landing pads of exceptions) counts when it calls something that exists,
 *   which data by chance does not.
 */
#ifndef TARGET_PROBES_USER_ENDS_H
#define TARGET_PROBES_USER_ENDS_H

#include "target/probes/user_insn.h"

enum user_symbol_kind {
	USER_FUNCTION,
	USER_PART, /* of a function: entered by a jump */
	USER_STUB, /* of the linker's (PLT): goes on into another function */
};
struct user_symbol {
	uint64_t address, size;
	enum user_symbol_kind kind;
};

/* A program's file. Addresses are those it is linked for. */
struct user_view {
	enum user_arch arch;
	void *ctx;
	/* Read n bytes of what the program never changes. Returns how many there are (0: none). */
	size_t (*read)(void *ctx, uint64_t address, void *to, size_t n);
	/* What covers an address; false: nothing that has a name. */
	bool (*symbol)(void *ctx, uint64_t address, struct user_symbol *out);
	/* Is there code? */
	bool (*is_code)(void *ctx, uint64_t address);
	uint64_t got; /* x86-32: what position-independent code adds offsets to; 0: none */
};

/* A function to read. Parts: those that its name says, beside those its jumps lead to. */
struct user_body {
	uint64_t address, size;
	const struct user_symbol *parts;
	size_t n_parts;
};

enum user_ends_why {
	USER_ENDS_KNOWN,
	USER_ENDS_NO_SIZE,     /* its symbol does not say how long it is */
	USER_ENDS_LONG,        /* more than there is room for */
	USER_ENDS_UNREADABLE,  /* its bytes are no code, or cannot be had */
	USER_ENDS_OVERLAPS,    /* instructions within instructions, functions within functions */
	USER_ENDS_INTO_MIDDLE, /* jumps into the middle of another function */
	USER_ENDS_NAMELESS,    /* jumps to code without a name: a part, or another function? */
	USER_ENDS_INDIRECT,    /* a jump of which it cannot be told whether it leaves */
	USER_ENDS_UNREACHED,   /* returns that nothing leads to: code or data? */
	USER_ENDS_RUNS_ON,     /* runs into what follows it */
	USER_ENDS_CONDITION,   /* leaves by a condition that cannot be looked at */
	USER_ENDS_REFUSED,     /* the kernel takes no probe where it ends */
	USER_ENDS_NO_MEMORY,
};

struct user_end {
	uint64_t address;
	uint16_t when; /* USER_ALWAYS, or the condition for control to leave here */
	/* A jump back to the first instruction: the call goes on, and the next run of the entry's
	 * probe is none. */
	bool again;
};

/* Ascending by address. None at all and USER_ENDS_KNOWN: it never returns. */
struct user_ends {
	struct user_end *at;
	size_t n;
	enum user_ends_why why;
};

/* Ends of one function. */
#define USER_ENDS_MAX 1024u
/* Bytes of one function, its parts each. */
#define USER_BODY_MAX (1u << 20)

/* Fills *out; free it in any case. */
void user_ends_read(const struct user_view *v, const struct user_body *b, struct user_ends *out);
void user_ends_free(struct user_ends *e);
/* For "... : WHY". */
const char *user_ends_why(enum user_ends_why why);

#endif
