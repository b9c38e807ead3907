/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/probes/user_code.h"
#include "target/probes/user_kind.h"

/* Names of functions for one message: the first few, and how many. */
struct name_list {
	size_t n, shown;
	char names[160];
};

static void name_list_add(struct name_list *t, const char *name)
{
	size_t len = strlen(t->names);

	t->n++;
	if (len + strlen(name) + 2 >= sizeof(t->names))
		return;
	snprintf(t->names + len, sizeof(t->names) - len, "%s%s", len ? " " : "", name);
	t->shown++;
}

static const char *and_more(const struct name_list *t, char *buf, size_t size)
{
	buf[0] = '\0';
	if (t->shown < t->n)
		snprintf(buf, size, " and %zu more (-v has all)", t->n - t->shown);
	return buf;
}

/* Did a spec name it, letter by letter? */
static bool is_named(const struct config *cfg, const char *symbol)
{
	size_t i;

	for (i = 0; i < cfg->n_probes; i++)
		if (cfg->probes[i].type == SPEC_USER && !strcmp(cfg->probes[i].glob, symbol))
			return true;
	return false;
}

/* Why it is no function; NULL: it is one. */
static const char *no_function(const struct user_code *c, const struct function_target *t)
{
	if (user_name_is_trampoline(t->symbol))
		return "is entered by a jump or a return, not called";
	if (c ? user_code_is_part(c, t->address) : user_name_is_cold(t->symbol))
		return "is a part of a function, entered by a jump";
	return NULL;
}

static int set_ends(struct user_code *c, struct function_target *t)
{
	struct user_ends e;
	size_t i;

	user_code_ends(c, t->symbol, t->address, &e);
	if (e.why) {
		t->no_ends = user_ends_why(e.why);
		user_ends_free(&e);
		return 0;
	}
	t->end = calloc(e.n ? e.n : 1, sizeof(*t->end));
	for (i = 0; t->end && i < e.n; i++) {
		struct function_end *end = &t->end[i];

		end->when = e.at[i].when;
		end->again = e.at[i].again;
		if (!user_code_offset(c, e.at[i].address, &end->offset)) {
			t->no_ends = user_ends_why(USER_ENDS_UNREADABLE);
			break;
		}
	}
	t->n_ends = t->end ? e.n : 0;
	user_ends_free(&e);
	return t->end ? 0 : -ENOMEM;
}

/* A file's code, kept for the next function of the same file. */
struct file {
	const char *path;
	struct user_code *code; /* NULL: cannot be read */
	const char *why;
};

static void use_file(struct file *f, const struct function_target *t)
{
	int err = 0;

	if (f->path && !strcmp(f->path, t->path))
		return;
	user_code_close(f->code);
	f->path = t->path;
	f->code = user_code_open(t->path, &err);
	f->why = err == -EOPNOTSUPP ? "its machine's code cannot be read here"
				    : "its file cannot be read";
}

static void leave_out(const struct config *cfg, const struct function_target *t, const char *why,
	struct name_list *list)
{
	if (is_named(cfg, t->symbol)) {
		log_warn("%s: not traced: it %s", t->symbol, why);
	} else {
		name_list_add(list, t->symbol);
		log_detail("%s: not traced: it %s", t->symbol, why);
	}
}

static void drop(struct function_targets *t, size_t i)
{
	free(t->at[i].symbol);
	t->at[i].symbol = NULL;
}

/* Take out those that were dropped. Paths are theirs until then: `file` refers to them. */
static void close_ranks(struct function_targets *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->n; i++) {
		if (t->at[i].symbol)
			t->at[n++] = t->at[i];
		else
			free(t->at[i].path);
	}
	t->n = n;
}

int user_targets_read(struct function_targets *t, const struct config *cfg)
{
	struct name_list parts = {0}, entries = {0};
	size_t i, before = 0;
	struct file f = {0};
	const char *why;
	char more[64];
	int err = 0;

	for (i = 0; i < t->n && !err; i++) {
		if (!t->at[i].path)
			continue;
		before++;
		if (user_name_is_startup(t->at[i].symbol) && !is_named(cfg, t->at[i].symbol)) {
			log_detail("%s: not traced: it is a fragment that starts or ends every "
				   "program; name it to trace it",
				t->at[i].symbol);
			drop(t, i);
			continue;
		}
		use_file(&f, &t->at[i]);
		why = no_function(f.code, &t->at[i]);
		if (why) {
			leave_out(cfg, &t->at[i], why, &parts);
			drop(t, i);
			continue;
		}
		t->at[i].no_ends = f.code ? NULL : f.why;
		if (f.code)
			err = set_ends(f.code, &t->at[i]);
		t->at[i].no_probe = f.code && !user_code_takes_probe(f.code, t->at[i].address);
		if (t->at[i].no_ends) {
			name_list_add(&entries, t->at[i].symbol);
			log_detail(
				"%s: entries only, no ends: %s", t->at[i].symbol, t->at[i].no_ends);
		}
	}
	user_code_close(f.code);
	close_ranks(t);
	if (parts.n)
		log_note("not traced, because these are parts of functions, entered by jumps: %s%s",
			parts.names, and_more(&parts, more, sizeof(more)));
	if (entries.n)
		log_note("of %zu function%s only entries are recorded, their ends cannot be told "
			 "from "
			 "the code (-v says why): %s%s",
			entries.n, entries.n == 1 ? "" : "s", entries.names,
			and_more(&entries, more, sizeof(more)));
	if (!err && before && !t->n) {
		log_error("nothing is left to trace: what -p names are no functions");
		err = -ENOENT;
	}
	return err;
}
