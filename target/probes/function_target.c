/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/function_target.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/log.h"
#include "target/probes/elf_symbols.h"
#include "target/probes/kernel_symbols.h"
#include "target/probes/network_functions.h"
#include "target/probes/own_helpers.h"

struct search {
	struct function_targets *t;
	const struct config *cfg;
	bool built_in;
	bool found[N_NETWORK_FUNCTIONS];
	size_t *matches; /* per spec */
	/* Functions that matched and are not traced, as text. */
	size_t left_out;
	char left_names[160];
};

static int add(struct function_targets *t, const char *symbol, const char *path, uint64_t offset,
	bool by_spec)
{
	struct function_target *f;

	if (t->n == FUNCTION_TARGETS_MAX)
		return -E2BIG;
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct function_target *grown = realloc(t->at, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		t->at = grown;
		t->cap = cap;
	}
	f = &t->at[t->n];
	*f = (struct function_target){
		.symbol = strdup(symbol), .offset = offset, .by_spec = by_spec};
	if (path)
		f->path = strdup(path);
	if (!f->symbol || (path && !f->path)) {
		free(f->symbol);
		free(f->path);
		return -ENOMEM;
	}
	t->n++;
	return 0;
}

static int compare_names(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

/* Index in the built-in set by the name before the first dot; -1. */
static ptrdiff_t built_in_index(const char *name)
{
	char base[128];
	size_t n = strcspn(name, ".");
	const char *const *row;

	if (n >= sizeof(base))
		return -1;
	memcpy(base, name, n);
	base[n] = '\0';
	row = bsearch(base, network_functions, N_NETWORK_FUNCTIONS, sizeof(*row), compare_names);
	return row ? row - network_functions : -1;
}

static bool have_kernel(const struct function_targets *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!t->at[i].path && !strcmp(t->at[i].symbol, name))
			return true;
	return false;
}

/* A spec without wildcards means the function in every shape the compiler gave it. */
static bool spec_matches(const char *glob, const char *name)
{
	size_t n = strlen(glob);

	return !fnmatch(glob, name, 0) || (!strncmp(glob, name, n) && name[n] == '.');
}

/* Unless the user insists. NULL: it may be traced. */
static const char *forbidden(const struct search *s, const char *name)
{
	return s->cfg->unsafe ? NULL : own_helper(name);
}

static int leave_out(struct search *s, const char *name, const char *part)
{
	size_t len = strlen(s->left_names);

	if (!s->left_out++ || len + strlen(name) + 2 < sizeof(s->left_names))
		snprintf(s->left_names + len, sizeof(s->left_names) - len, "%s%s", len ? " " : "",
			name);
	log_detail("%s: not traced: every probe runs through it (%s)", name, part);
	return 0;
}

static int tell_left_out(const struct search *s, bool anything)
{
	size_t told = 1;
	char more[64] = "";
	const char *at;

	if (!s->left_out)
		return 0;
	for (at = s->left_names; (at = strchr(at, ' ')); at++)
		told++;
	if (told < s->left_out)
		snprintf(more, sizeof(more), " and %zu more (-v has all)", s->left_out - told);
	if (!anything) {
		log_error("nothing is left to trace: every probe itself runs through %s%s; "
			  "--unsafe insists",
			s->left_names, more);
		return -ENOENT;
	}
	log_note("not traced, because every probe itself runs through it: %s%s", s->left_names,
		more);
	return 0;
}

static int on_kernel_function(void *ctx, const char *name, const char *module)
{
	struct search *s = ctx;
	bool wanted = false, by_spec = false;
	const char *part;
	ptrdiff_t at = s->built_in ? built_in_index(name) : -1;
	size_t i;

	if (at >= 0)
		wanted = s->found[at] = true;
	for (i = 0; i < s->cfg->n_probes; i++)
		if (s->cfg->probes[i].type == SPEC_KERNEL &&
			spec_matches(s->cfg->probes[i].glob, name)) {
			s->matches[i]++;
			wanted = by_spec = true;
		}
	part = wanted ? forbidden(s, name) : NULL;
	if (part)
		return leave_out(s, name, part);
	return wanted && !have_kernel(s->t, name) ? add(s->t, name, NULL, 0, by_spec) : 0;
}

/* The list of traceable functions has one name for each; __x64_sys_getppid is there as
 * __do_sys_getppid. */
static bool unlisted(const struct search *s, size_t i)
{
	const struct probe_spec *spec = &s->cfg->probes[i];

	return spec->type == SPEC_KERNEL && !s->matches[i] && !strpbrk(spec->glob, "*?[");
}

static int on_unlisted_function(void *ctx, const char *name, const char *module)
{
	struct search *s = ctx;
	const char *part;
	size_t i;

	for (i = 0; i < s->cfg->n_probes; i++)
		if (unlisted(s, i) && !strcmp(s->cfg->probes[i].glob, name)) {
			s->matches[i]++;
			part = forbidden(s, name);
			if (part)
				return leave_out(s, name, part);
			return have_kernel(s->t, name) ? 0 : add(s->t, name, NULL, 0, true);
		}
	return 0;
}

static int find_unlisted(struct search *s)
{
	size_t i;

	for (i = 0; i < s->cfg->n_probes; i++)
		if (unlisted(s, i))
			return kernel_functions_unlisted(on_unlisted_function, s);
	return 0;
}

static int explain(int err, const char *what)
{
	if (err == -E2BIG)
		log_error("%s: more than %u functions; use a narrower glob", what,
			FUNCTION_TARGETS_MAX);
	else if (err == -EPERM || err == -EACCES)
		log_error("%s: cannot read the list of kernel functions: no permission; needs root",
			what);
	else
		log_error("%s: %s", what, strerror(-err));
	return err;
}

static const char *spec_text(const struct config *cfg, size_t i)
{
	return cfg->probes[i].text ? cfg->probes[i].text : cfg->probes[i].glob;
}

int function_targets_kernel(struct function_targets *t, const struct config *cfg, bool built_in)
{
	struct search s = {.t = t, .cfg = cfg, .built_in = built_in};
	bool any = built_in;
	size_t i;
	int err;

	for (i = 0; i < cfg->n_probes; i++)
		any |= cfg->probes[i].type == SPEC_KERNEL;
	if (!any)
		return 0;
	s.matches = calloc(cfg->n_probes + 1, sizeof(*s.matches));
	err = s.matches ? kernel_functions_each(on_kernel_function, &s) : -ENOMEM;
	if (!err)
		err = find_unlisted(&s);
	for (i = 0; !err && i < cfg->n_probes; i++)
		if (cfg->probes[i].type == SPEC_KERNEL && !s.matches[i]) {
			log_error("%s: no kernel function matches; see --list-functions",
				spec_text(cfg, i));
			free(s.matches);
			return -ENOENT;
		}
	free(s.matches);
	if (err)
		return explain(err, "kernel functions");
	err = tell_left_out(&s, t->n || built_in);
	if (err)
		return err;
	for (i = 0; built_in && i < N_NETWORK_FUNCTIONS; i++)
		if (!s.found[i]) {
			log_detail("latency: this kernel has no %s", network_functions[i]);
			t->missing++;
		}
	return 0;
}

struct user_search {
	struct function_targets *t;
	const char *path, *glob;
	size_t first, matches, thumb;
};

static int add_user(struct user_search *s, const struct elf_function *f)
{
	int err = add(s->t, f->name, s->path, f->offset, true);
	struct function_target *t;

	if (err)
		return err;
	t = &s->t->at[s->t->n - 1];
	t->address = f->address;
	t->size = f->size;
	t->machine = f->machine;
	t->elf_class = f->elf_class;
	t->type = f->type;
	t->thumb = f->thumb;
	return 0;
}

static int on_user_function(void *ctx, const struct elf_function *f)
{
	struct user_search *s = ctx;
	size_t i;

	if (fnmatch(s->glob, f->name, 0))
		return 0;
	/* Kernels put an ARM breakpoint there, which in Thumb code is something else: it would break
	 * the program (arch/arm/probes/uprobes/core.c). */
	if (f->thumb) {
		s->thumb++;
		return 0;
	}
	s->matches++;
	/* One place may have several names (aliases); the first one stands for all. */
	for (i = s->first; i < s->t->n; i++)
		if (s->t->at[i].offset == f->offset && !strcmp(s->t->at[i].path, s->path))
			return 0;
	return add_user(s, f);
}

static int user_spec(
	struct function_targets *t, const struct probe_spec *spec, const char *text, size_t first)
{
	struct user_search s = {.t = t, .glob = spec->glob, .first = first};
	char *path = realpath(spec->path, NULL);
	int err;

	if (!path) {
		err = -errno;
		log_error("%s: %s: %s", text, spec->path, strerror(-err));
		return err;
	}
	s.path = path;
	err = elf_functions_each(path, on_user_function, &s);
	free(path);
	if (err == -ENOEXEC) {
		log_error("%s: %s is not a program or library (ELF)", text, spec->path);
		return err;
	}
	if (err)
		return explain(err, text);
	if (s.thumb)
		log_warn("%s: %zu functions are Thumb code, which the kernel cannot probe; compile "
			 "them with -marm",
			text, s.thumb);
	if (s.matches)
		return 0;
	log_error("%s: no function of %s can be probed; a stripped program has none", text,
		spec->path);
	return -ENOENT;
}

int function_targets_user(struct function_targets *t, const struct config *cfg)
{
	size_t i, first = t->n;
	int err = 0;

	for (i = 0; i < cfg->n_probes && !err; i++)
		if (cfg->probes[i].type == SPEC_USER)
			err = user_spec(t, &cfg->probes[i], spec_text(cfg, i), first);
	return err;
}

void function_targets_free(struct function_targets *t)
{
	while (t->n) {
		t->n--;
		free(t->at[t->n].symbol);
		free(t->at[t->n].path);
		free(t->at[t->n].end);
	}
	free(t->at);
	*t = (struct function_targets){0};
}
