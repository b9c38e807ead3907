/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The functions of programs and libraries that specifications name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/base/log.h"
#include "target/probes/user_machine.h"
#include "target/probes/user_search.h"

static int take(struct user_search *s, const struct elf_function *f)
{
	struct function_target *t;
	int err = function_targets_add(s->t, f->name, &s->path, f->offset, &t);

	if (err || !t)
		return err;
	t->address = f->address;
	t->size = f->size;
	t->machine = f->machine;
	t->elf_class = f->elf_class;
	t->type = f->type;
	t->thumb = f->thumb;
	return 0;
}

static int on_match(struct user_search *s, const struct elf_function *f)
{
	if (f->imported) {
		if (!s->imports++)
			snprintf(s->import, sizeof(s->import), "%s", f->name);
		return 0;
	}
	if (f->type == STT_GNU_IFUNC)
		return ifuncs_note(&s->ifuncs, f);
	/* Kernels put an ARM breakpoint there, which in Thumb code is something else: it would
	 * break the program (arch/arm/probes/uprobes/core.c). */
	if (f->thumb) {
		s->thumb++;
		return 0;
	}
	s->matches++;
	return take(s, f);
}

static int on_function(void *ctx, const struct elf_function *f)
{
	struct user_search *s = ctx;

	s->functions += !f->imported;
	if (s->functions == 1)
		s->foreign = !user_machine_probed(f->machine);
	if (s->foreign)
		return 0;
	return spec_matches_user(s->path.glob, f->name) ? on_match(s, f) : 0;
}

/* glibc calls what memcpy chooses from __memcpy_avx_unaligned, __memcpy_ssse3, ... */
static bool is_candidate(const struct ifunc *f, const char *name)
{
	size_t n = strlen(f->name);

	return !f->resolved && !strncmp(name, "__", 2) && !strncmp(name + 2, f->name, n) &&
	       name[2 + n] == '_';
}

static int on_candidate(void *ctx, const struct elf_function *f)
{
	struct user_search *s = ctx;
	size_t i;

	for (i = 0; i < s->ifuncs.n && !f->thumb; i++)
		if (is_candidate(&s->ifuncs.at[i], f->name)) {
			s->candidates++;
			return take(s, f);
		}
	return 0;
}

/* What running programs use, under the name that the user knows; else all that there is to choose
 * from. */
static int take_ifuncs(struct user_search *s)
{
	size_t i;
	int err = 0;

	ifuncs_resolve(&s->ifuncs, &s->path);
	for (i = 0; i < s->ifuncs.n && !err; i++) {
		struct ifunc *f = &s->ifuncs.at[i];

		if (!f->resolved)
			continue;
		s->matches++;
		log_detail("%s: what was chosen for %s is at 0x%llx", spec_text(s->spec), f->name,
			(unsigned long long)f->function.offset);
		err = take(s, &f->function);
	}
	if (!err && ifuncs_resolved(&s->ifuncs) < s->ifuncs.n)
		err = elf_functions_each(s->path.path, on_candidate, s);
	return err;
}

static void tell_unresolved(const struct user_search *s)
{
	size_t left = s->ifuncs.n - ifuncs_resolved(&s->ifuncs);
	const char *name = NULL;
	size_t i;

	for (i = 0; i < s->ifuncs.n && !name; i++)
		if (!s->ifuncs.at[i].resolved)
			name = s->ifuncs.at[i].name;
	if (!name)
		return;
	if (s->candidates)
		log_note("%s: which function %s%s is, is chosen when a program starts (IFUNC); "
			 "traced "
			 "are the %zu that there are to choose from",
			spec_text(s->spec), name, left > 1 ? " or another" : "", s->candidates);
	else
		log_note("%s: not traced: %s%s, chosen when a program starts (IFUNC), and no "
			 "running "
			 "one tells which function it is",
			spec_text(s->spec), name, left > 1 ? " and others" : "");
}

static void tell_what_is_left_out(const struct user_search *s)
{
	if (s->thumb && s->matches)
		log_warn("%s: %zu functions are Thumb code, which the kernel cannot probe; compile "
			 "them with -marm",
			spec_text(s->spec), s->thumb);
	tell_unresolved(s);
	if (s->looked.debug[0])
		log_detail("%s: symbols from %s", spec_text(s->spec), s->looked.debug);
}

/* 0 whatever it found; an error is one that ends everything. */
static int search(struct user_search *s)
{
	size_t before = s->t->n_different;
	char why[600];
	int err = user_path_find(s->spec, &s->path, why, sizeof(why));

	if (err) {
		spec_missed(s->cfg, s->spec, "%s", why);
		return 0;
	}
	err = elf_functions_look(
		s->path.path, ELF_WANT_IFUNCS | ELF_WANT_IMPORTS, on_function, s, &s->looked);
	if (!err && s->ifuncs.n)
		err = take_ifuncs(s);
	s->matches += s->candidates;
	if (err == -ENOMEM)
		return err;
	if (s->t->n_different > FUNCTION_TARGETS_MAX) {
		log_error("%s: %zu functions match%s, and %u is the most that can be traced at "
			  "once; use a narrower pattern",
			spec_text(s->spec), s->t->n_different - before,
			before ? " beside others" : "", FUNCTION_TARGETS_MAX);
		return -E2BIG;
	}
	if (err)
		user_search_unreadable(s, err);
	else if (!s->matches)
		user_search_explain(s);
	else
		tell_what_is_left_out(s);
	return 0;
}

int function_targets_user(struct function_targets *t, const struct config *cfg)
{
	size_t i;
	int err = 0;

	for (i = 0; i < cfg->n_probes && !err; i++) {
		struct user_search s = {.t = t, .cfg = cfg, .spec = &cfg->probes[i]};

		if (s.spec->type != SPEC_USER)
			continue;
		err = search(&s);
		ifuncs_free(&s.ifuncs);
		t->specs.found += s.matches > 0;
		t->specs.missed += !s.matches;
	}
	if (err == -ENOMEM)
		log_error("functions of programs: out of memory");
	return err;
}
