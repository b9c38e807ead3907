/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_symbols.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/probes/tracefs.h"

struct line {
	uint64_t address;
	char type;
	char name[512]; /* KSYM_NAME_LEN since Linux 6.1 */
	char module[64];
};

/* "ffffffff81000000 T name\t[module]" */
static bool parse_kallsyms(char *text, struct line *l)
{
	unsigned long long address;

	l->module[0] = '\0';
	if (sscanf(text, "%llx %c %511s [%63[^]]", &address, &l->type, l->name, l->module) < 3)
		return false;
	l->address = address;
	return strchr("tTwW", l->type);
}

/* "name [module]"; also with the address, which newer kernels can be asked to print elsewhere. */
static bool parse_available(char *text, struct line *l)
{
	l->module[0] = '\0';
	return sscanf(text, "%511s [%63[^]]", l->name, l->module) >= 1;
}

/* Parts and markers that compilers and the kernel's build make; nobody calls them by name. */
static bool callable(const char *name)
{
	static const char *const prefixes[] = {"__pfx_", "__cfi_", "__SCT__", "__SCK__",
		"__ftrace_invalid", "__traceiter_", "__bpf_trace_", "__probestub_", NULL};
	const char *dot = strstr(name, ".cold");
	size_t i;

	if (dot || name[0] == '$' || name[0] == '.')
		return false;
	for (i = 0; prefixes[i]; i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return false;
	return true;
}

static int each_line(
	FILE *f, bool (*parse)(char *, struct line *), kernel_function_fn fn, void *ctx)
{
	char *text = NULL;
	size_t cap = 0;
	struct line l;
	int err = 0;

	while (!err && getline(&text, &cap, f) > 0)
		if (parse(text, &l) && callable(l.name))
			err = fn(ctx, l.name, l.module);
	free(text);
	return err;
}

int kernel_functions_each(kernel_function_fn fn, void *ctx)
{
	FILE *f = tracefs_open("available_filter_functions");
	int err;

	if (!f)
		return kernel_functions_unlisted(fn, ctx);
	err = each_line(f, parse_available, fn, ctx);
	fclose(f);
	return err;
}

int kernel_functions_unlisted(kernel_function_fn fn, void *ctx)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	int err;

	if (!f)
		return -errno;
	err = each_line(f, parse_kallsyms, fn, ctx);
	fclose(f);
	return err;
}

int kernel_addresses_each(int (*fn)(void *ctx, const char *name, uint64_t address), void *ctx)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char *text = NULL;
	size_t cap = 0;
	struct line l;
	int err = 0;

	if (!f)
		return -errno;
	while (!err && getline(&text, &cap, f) > 0)
		if (parse_kallsyms(text, &l) && l.address)
			err = fn(ctx, l.name, l.address);
	free(text);
	fclose(f);
	return err;
}

struct filter {
	const char *glob;
	kernel_function_fn fn;
	void *ctx;
};

static int filter(void *ctx, const char *name, const char *module)
{
	struct filter *f = ctx;

	return fnmatch(f->glob, name, 0) ? 0 : f->fn(f->ctx, name, module);
}

int kernel_functions_matching(const char *glob, kernel_function_fn fn, void *ctx)
{
	struct filter f = {glob, fn, ctx};

	return kernel_functions_each(filter, &f);
}

/* ---- by address --------------------------------------------------------------------------------
 */

struct symbol {
	uint64_t address;
	uint32_t name, module; /* offsets in text */
};

struct kernel_symbols {
	struct symbol *symbol;
	size_t n, cap;
	char *text;
	size_t text_len, text_cap;
	char last_module[64];
	uint32_t last_module_at;
};

static bool add_text(struct kernel_symbols *s, const char *text, uint32_t *at)
{
	size_t len = strlen(text) + 1;

	if (s->text_len + len > s->text_cap) {
		size_t cap = s->text_cap ? s->text_cap + s->text_cap / 2 : 1 << 20;
		char *grown = realloc(s->text, cap + len);

		if (!grown)
			return false;
		s->text = grown;
		s->text_cap = cap + len;
	}
	*at = s->text_len;
	memcpy(s->text + s->text_len, text, len);
	s->text_len += len;
	return true;
}

static bool add_symbol(struct kernel_symbols *s, const struct line *l)
{
	struct symbol *sym;

	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap + s->cap / 2 : 32768;
		struct symbol *grown = realloc(s->symbol, cap * sizeof(*grown));

		if (!grown)
			return false;
		s->symbol = grown;
		s->cap = cap;
	}
	/* Modules' symbols stand together: store each module's name once. */
	if (!s->n || strcmp(s->last_module, l->module)) {
		snprintf(s->last_module, sizeof(s->last_module), "%s", l->module);
		if (!add_text(s, l->module, &s->last_module_at))
			return false;
	}
	sym = &s->symbol[s->n];
	sym->address = l->address;
	sym->module = s->last_module_at;
	if (!add_text(s, l->name, &sym->name))
		return false;
	s->n++;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void *shrink(void *block, size_t bytes)
{
	void *smaller = realloc(block, bytes ? bytes : 1);

	return smaller ? smaller : block;
}

struct kernel_symbols *kernel_symbols_open(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct kernel_symbols *s;
	char *text = NULL;
	size_t cap = 0;
	bool ok = true;
	struct line l;

	if (!f)
		return NULL;
	s = calloc(1, sizeof(*s));
	while (s && ok && getline(&text, &cap, f) > 0)
		/* Address 0: the kernel keeps them to itself (kptr_restrict). */
		if (parse_kallsyms(text, &l) && l.address && l.name[0] != '$')
			ok = add_symbol(s, &l);
	free(text);
	fclose(f);
	if (!s || !ok) {
		kernel_symbols_close(s);
		errno = ENOMEM;
		return NULL;
	}
	if (s->n)
		qsort(s->symbol, s->n, sizeof(*s->symbol), by_address);
	/* It stays for the session: give back what it grew too far. */
	s->symbol = shrink(s->symbol, s->n * sizeof(*s->symbol));
	s->text = shrink(s->text, s->text_len);
	return s;
}

void kernel_symbols_close(struct kernel_symbols *s)
{
	if (!s)
		return;
	free(s->symbol);
	free(s->text);
	free(s);
}

const char *kernel_symbols_find(
	const struct kernel_symbols *s, uint64_t address, const char **module)
{
	size_t lo = 0, hi = s->n;

	/* The last symbol at or below the address. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->symbol[mid].address <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	*module = s->text + s->symbol[lo - 1].module;
	return s->text + s->symbol[lo - 1].name;
}
