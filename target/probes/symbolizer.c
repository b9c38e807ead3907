/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/symbolizer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/events.h"
#include "target/probes/intern.h"
#include "target/probes/kernel_symbols.h"
#include "target/probes/symbol_blocks.h"
#include "target/probes/symbol_cache.h"
#include "target/probes/symbol_client.h"

#define MAX_SYMBOLS 32768u
/* Bytes of their names, which others choose. */
#define MAX_TEXT (3u << 20)

struct symbolizer {
	struct names *names;
	struct symbol_blocks *kernel;
	struct symbol_client client;
	struct symbol_cache cache;
	struct intern symbols;          /* (owner, name) to id */
	struct intern kernel_addresses; /* to id */
	uint32_t n_symbols;
	size_t text;
};

struct symbolizer *symbolizer_new(struct names *names)
{
	struct symbolizer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->names = names;
	symbol_client_init(&s->client);
	if (intern_init(&s->symbols, 65536) || intern_init(&s->kernel_addresses, 4096)) {
		symbolizer_free(s);
		return NULL;
	}
	/* Now, because it takes longer than a ring lasts. Without it addresses stay unknown. */
	s->kernel = kernel_symbols_open();
	return s;
}

void symbolizer_free(struct symbolizer *s)
{
	if (!s)
		return;
	symbol_client_free(&s->client);
	symbol_blocks_free(s->kernel);
	symbol_cache_free(&s->cache);
	intern_free(&s->symbols);
	intern_free(&s->kernel_addresses);
	free(s);
}

/* Id of a name; past the bound everything new is one symbol, so the registry cannot be filled. */
static uint32_t symbol_id(struct symbolizer *s, const char *name, const char *owner)
{
	uint64_t hash;
	uint32_t id;

	if (s->n_symbols >= MAX_SYMBOLS || s->text >= MAX_TEXT) {
		name = "[too many symbols]";
		owner = "";
	}
	hash = intern_hash(intern_hash(0, owner, strlen(owner) + 1), name, strlen(name));
	if (intern_find(&s->symbols, hash, &id))
		return id;
	id = ++s->n_symbols;
	s->text += strlen(name) + strlen(owner) + 2;
	names_set(s->names, ayaprof_Table_TABLE_SYMBOL, id, 0, name, owner);
	intern_set(&s->symbols, hash, id);
	return id;
}

uint32_t symbolizer_kernel(struct symbolizer *s, uint64_t address)
{
	uint64_t hash = intern_hash(0, &address, sizeof(address));
	const char *name = NULL, *module = "";
	uint32_t id;

	if (intern_find(&s->kernel_addresses, hash, &id))
		return id;
	if (s->kernel)
		name = symbol_blocks_find(s->kernel, address, &module);
	id = symbol_id(s, name ? name : "[unknown]", name ? module : "[kernel]");
	intern_set(&s->kernel_addresses, hash, id);
	return id;
}

uint32_t symbolizer_unknown(struct symbolizer *s)
{
	return symbol_id(s, "[unknown]", "");
}

uint32_t symbolizer_user(struct symbolizer *s, uint32_t tgid, uint64_t address, uint64_t now_ns)
{
	uint32_t id = symbol_cache_find(&s->cache, tgid, address, now_ns);

	if (id)
		return id;
	/* A frame pointer that leads nowhere ends in a return address of 0, and a call before
	 * it. */
	if (address != UINT64_MAX && symbol_client_ask(&s->client, tgid, address, now_ns))
		return 0;
	return symbolizer_unknown(s);
}

uint64_t symbolizer_layout(struct symbolizer *s, uint32_t tgid, uint64_t now_ns)
{
	return symbol_cache_layout(&s->cache, tgid, now_ns);
}

struct hearing {
	struct symbolizer *s;
	uint64_t now;
};

static void on_answer(void *ctx, const struct symbol_question *q, const struct symbol_answer *a)
{
	struct hearing *h = ctx;
	const char *name = a->kind == SYMBOL_FUNCTION ? a->name
			   : a->kind == SYMBOL_NO_FILE && a->owner[0] == '[' &&
					   strcmp(a->owner, "[anonymous]") != 0
				   ? a->owner
				   : "[unknown]";

	symbol_cache_put(&h->s->cache, q, a, symbol_id(h->s, name, a->owner), h->now);
}

bool symbolizer_hear(struct symbolizer *s, uint64_t now_ns)
{
	struct hearing h = {s, now_ns};

	return symbol_client_hear(&s->client, now_ns, on_answer, &h);
}

void symbolizer_processes(const struct symbolizer *s, uint32_t id[2])
{
	const struct symbol_client *c = &s->client;

	id[0] = c->fd >= 0 ? (uint32_t)c->pid : AYP_NO_PROCESS;
	id[1] = c->fd >= 0 && c->reader ? c->reader : AYP_NO_PROCESS;
}

int symbolizer_fd(const struct symbolizer *s)
{
	return s->client.fd;
}
