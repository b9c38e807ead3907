/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Why a specification u:PATH:GLOB finds nothing: the real reason, and the nearest names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/demangle.h"
#include "target/base/nearest.h"
#include "target/probes/user_machine.h"
#include "target/probes/user_search.h"
#include "target/syscalls/syscalls.h"

static int offer(void *ctx, const struct elf_function *f)
{
	char text[DEMANGLE_MAX];
	struct nearest *n = ctx;

	/* Who writes colons means the name as it was written. */
	nearest_offer(
		n, demangle(f->name, false, text) && !strstr(n->wanted, "_Z") ? text : f->name);
	return 0;
}

static void typed_wrong(const struct user_search *s)
{
	char names[3 * NEAREST_NAME + 16];
	bool whole = s->looked.symtab || s->looked.debug[0];
	struct nearest n;

	nearest_init(&n, s->path.glob);
	elf_functions_look(s->path.path, ELF_WANT_IFUNCS, offer, &n, NULL);
	nearest_text(&n, names, sizeof(names));
	spec_missed(s->cfg, s->spec, "none of the %zu functions %s %s%s matches %s%s%s%s",
		s->functions, whole ? "of" : "that are left in", s->path.path,
		whole ? "" : ", which is stripped,", s->path.glob, names[0] ? "; is it " : "",
		names, names[0] ? "?" : "");
}

static void stripped(const struct user_search *s)
{
	const struct elf_looked *l = &s->looked;

	if (l->debug_no[0])
		spec_missed(s->cfg, s->spec,
			"%s is stripped, and what would have its symbols does "
			"not help: %s",
			s->path.path, l->debug_no);
	else
		spec_missed(s->cfg, s->spec,
			"%s has no symbols of functions%s; take one that is not stripped, or put "
			"its debug file on the board (/usr/lib/debug/.build-id, .gnu_debuglink)",
			s->path.path, l->symtab ? "" : ": it is stripped");
}

static void foreign(const struct user_search *s)
{
	char kernel[65];

	syscalls_machine(kernel, sizeof(kernel));
	spec_missed(s->cfg, s->spec,
		"%s is a program for %s, and this kernel (%s) probes no programs for it",
		s->path.path, user_machine_name(s->looked.machine), kernel);
}

void user_search_explain(const struct user_search *s)
{
	const char *wrong = spec_wrong_pattern(s->path.glob);

	if (s->foreign)
		foreign(s);
	else if (s->thumb)
		spec_missed(s->cfg, s->spec,
			"%zu functions are Thumb code, which the kernel cannot probe; compile them "
			"with -marm",
			s->thumb);
	else if (s->ifuncs.n)
		spec_missed(s->cfg, s->spec,
			"what %s is, is chosen when a program starts (IFUNC), and no running "
			"program tells; start one that uses it, or name one of the functions "
			"to choose from",
			s->ifuncs.at[0].name);
	else if (wrong)
		spec_missed(s->cfg, s->spec, "%s is no pattern: %s", s->path.glob, wrong);
	else if (s->imports)
		spec_missed(s->cfg, s->spec,
			"%s is not in %s, which takes it from a library; probe it there (ldd shows "
			"which there are)",
			s->import, s->path.path);
	else if (!s->functions)
		stripped(s);
	else
		typed_wrong(s);
}

void user_search_unreadable(const struct user_search *s, int err)
{
	if (err == -ENOEXEC)
		spec_missed(s->cfg, s->spec, "%s is not a program or library (ELF)", s->path.path);
	else if (err == -ENODATA)
		spec_missed(s->cfg, s->spec,
			"%s is cut off: it ends before the end of what its headers name; is it "
			"being copied?",
			s->path.path);
	else if (err == -EFBIG)
		spec_missed(s->cfg, s->spec,
			"%s has more sections or symbols (%u) than can be read", s->path.path,
			FOREIGN_ELF_MAX_SYMBOLS);
	else
		spec_missed(s->cfg, s->spec, "%s: %s", s->path.path, foreign_file_why(err));
}
