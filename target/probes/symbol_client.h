/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The daemon's side of its symbol helper (symbol_helper.h): questions out, answers in, never a
 * wait. A helper that does not answer in its time is ended and replaced, later and later; what it
 * hung on is not asked again.
 */
#ifndef TARGET_PROBES_SYMBOL_CLIENT_H
#define TARGET_PROBES_SYMBOL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/probes/symbol_wire.h"

#define SYMBOL_CLIENT_ASKED 32u
/* Processes that are not asked about any more, and helpers that were ended but have not died
 * yet. */
#define SYMBOL_CLIENT_REFUSED 16u
#define SYMBOL_CLIENT_DYING   4u

struct symbol_client {
	int fd; /* the way to the helper; -1: none runs */
	pid_t pid;
	struct symbol_asked {
		struct symbol_question q;
		uint64_t since_ns;
	} asked[SYMBOL_CLIENT_ASKED]; /* oldest first */
	size_t n_asked;
	uint32_t next_id;
	uint32_t refused[SYMBOL_CLIENT_REFUSED];
	uint64_t n_refused; /* ever */
	pid_t dying[SYMBOL_CLIENT_DYING];
	uint64_t start_at_ns; /* not before */
	unsigned int ended;   /* helpers that had to be replaced */
	bool said, given_up;
	/* of all helpers */
	uint32_t cpu_before, cpu_ms, peak_kb, reader;
};

/* An answer that is sound in form: strings end, ranges have the address that was asked for. */
typedef void (*symbol_answer_fn)(
	void *ctx, const struct symbol_question *q, const struct symbol_answer *a);

void symbol_client_init(struct symbol_client *c);
void symbol_client_free(struct symbol_client *c);

/* Ask, unless it is asked already. True: an answer may come (or there is room to ask soon); false:
 * none will. Starts the helper with the first question. */
bool symbol_client_ask(struct symbol_client *c, uint32_t tgid, uint64_t address, uint64_t now_ns);
/* Take what has come, and look after the helper. True if anything has changed. */
bool symbol_client_hear(struct symbol_client *c, uint64_t now_ns, symbol_answer_fn fn, void *ctx);

#endif
