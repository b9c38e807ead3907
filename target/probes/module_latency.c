/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Calls of functions: the kernel's network path, and whatever -p names in the kernel or in
 * programs. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/clock.h"
#include "target/base/log.h"
#include "target/probes/function_target.h"
#include "target/probes/kernel_btf.h"
#include "target/probes/mechanism.h"
#include "target/probes/own_code.h"
#include "target/probes/program_watch.h"
#include "target/probes/user_attach.h"
#include "target/probes/user_targets.h"

struct latency {
	struct function_targets targets;
	struct attacher attacher;
	struct program_watch programs;
};

/* They stand first. */
static size_t count_kernel(const struct function_targets *t)
{
	size_t n = 0;

	while (n < t->n && !t->at[n].path)
		n++;
	return n;
}

static int name_targets(struct module *m, struct function_targets *t)
{
	int base = names_reserve_funcs(m->p->names, (uint32_t)t->n), err = 0;
	size_t i;

	if (base < 0)
		return base;
	function_targets_name_owners(t);
	m->p->func_base = (uint16_t)base;
	m->p->n_functions = (uint32_t)t->n;
	user_attach_registers(&m->p->params);
	m->p->params.user_base = (uint16_t)((size_t)base + count_kernel(t));
	for (i = 0; i < t->n && !err; i++) {
		struct function_target *f = &t->at[i];

		f->func = (uint16_t)((size_t)base + i);
		err = names_set_func(m->p->names, f->func,
			f->path ? AYP_CLASS_USER : AYP_CLASS_KERNEL, f->symbol, f->owner);
	}
	return err;
}

static int plan(struct module *m)
{
	struct latency *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	m->state = l;
	err = function_targets_kernel(&l->targets, m->p->cfg, !m->by_spec);
	if (!err)
		err = function_targets_user(&l->targets, m->p->cfg);
	if (!err)
		err = user_targets_read(&l->targets, m->p->cfg);
	m->p->specs.found += l->targets.specs.found;
	m->p->specs.missed += l->targets.specs.missed;
	if (!err && m->by_spec && !l->targets.n)
		err = -ENOENT;
	return err ? err : name_targets(m, &l->targets);
}

/* First error a mechanism met, 0 if it met none. */
static int first_error(const struct function_targets *t, bool user)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!!t->at[i].path == user && !t->at[i].attached && t->at[i].err)
			return t->at[i].err;
	return 0;
}

static void forget_errors(struct function_targets *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		t->at[i].err = 0;
}

static void try_mechanism(
	struct module *m, const struct mechanism *mech, char *reasons, size_t size)
{
	struct latency *l = m->state;
	uint64_t start = now_ns();
	size_t taken, n = strlen(reasons);
	char text[128], reason[160];
	int err;

	if (mech->max_targets && mechanism_todo(mech, &l->targets) > mech->max_targets)
		return;
	forget_errors(&l->targets);
	taken = mechanism_attach(mech, &l->attacher, &l->targets, &m->links);
	err = first_error(&l->targets, mech->user);
	if (taken) {
		log_detail("latency: %zu functions by %s in %.0f ms", taken, mech->name,
			(double)(now_ns() - start) / 1e6);
		report_live(m, mech->name, (uint32_t)taken);
	}
	if (!err)
		return;
	why(err, mech->name, text, sizeof(text));
	log_detail("latency: %s: %s", mech->name, text);
	/* A way may stand twice in the list, and fail twice for the same reason. */
	snprintf(reason, sizeof(reason), "%s: %s", mech->name, text);
	if (n < size && !strstr(reasons, reason))
		snprintf(reasons + n, size - n, "%s%s", n ? "; " : "", reason);
}

/* Did none of what the user named come to life? */
static bool spec_failed(const struct function_targets *t, bool user)
{
	size_t i, wanted = 0, attached = 0;

	for (i = 0; i < t->n; i++)
		if (!!t->at[i].path == user && t->at[i].by_spec) {
			wanted++;
			attached += t->at[i].attached;
		}
	return wanted && !attached;
}

/* Type information is a file: better read once for all than for each. */
static void expect_functions(const struct function_targets *t)
{
	const char **names = calloc(t->n ? t->n : 1, sizeof(*names));
	size_t i, n = 0;

	for (i = 0; names && i < t->n; i++)
		if (!t->at[i].path)
			names[n++] = t->at[i].symbol;
	if (names)
		kernel_btf_expect(names, n);
	free(names);
}

/* What the user named and does not get is said; of the built-in set no kernel has all. */
static void tell_left_behind(const struct function_targets *t, const char *reasons)
{
	size_t i, wanted = 0, attached = 0;

	for (i = 0; i < t->n; i++) {
		wanted += t->at[i].by_spec;
		attached += t->at[i].by_spec && t->at[i].attached;
	}
	if (attached && attached < wanted)
		log_warn("%zu of %zu functions are traced; the others: %s%s", attached, wanted,
			reasons[0] ? reasons : "refused", " (-v names them)");
}

static int attach(struct module *m)
{
	struct latency *l = m->state;
	const struct mechanism *mech;
	const char *first = NULL;
	char reasons[400] = "";
	size_t i, left = 0;
	int err;

	err = attacher_open(
		&l->attacher, &m->p->maps, &m->p->params, m->p->cfg->return_slots, l->targets.n);
	if (err) {
		report_failed(
			m, (uint32_t)l->targets.n, "%s", why(err, "", reasons, sizeof(reasons)));
		return err;
	}
	expect_functions(&l->targets);
	for (i = 0; i < l->targets.n; i++)
		if (l->targets.at[i].path && program_watch_add(&l->programs, l->targets.at[i].path))
			return -ENOMEM;
	for (mech = mechanisms; mech->name; mech++)
		if (mechanism_wanted(m->p, mech->name) && (!mech->named || m->p->cfg->mechanism))
			try_mechanism(m, mech, reasons, sizeof(reasons));
	attacher_attached(&l->attacher);
	if (!reasons[0] && m->p->cfg->mechanism)
		snprintf(reasons, sizeof(reasons), "no way called %s", m->p->cfg->mechanism);
	for (i = 0; i < l->targets.n; i++)
		if (!l->targets.at[i].attached) {
			const struct function_target *t = &l->targets.at[i];
			char reason[160];

			first = first ? first : t->symbol;
			left++;
			log_detail("latency: refused: %s: %s", t->symbol,
				why(t->err, t->path ? "uprobe" : "kprobe", reason, sizeof(reason)));
		}
	if (left == l->targets.n && left > 1)
		report_failed(m, (uint32_t)left, "%zu functions: %s", left, reasons);
	else if (left > 1)
		report_failed(m, (uint32_t)left, "%s and %zu more: %s", first, left - 1, reasons);
	else if (left)
		report_failed(m, (uint32_t)left, "%s: %s", first, reasons);
	tell_left_behind(&l->targets, reasons);
	if (!l->targets.n)
		report_failed(m, 0, "this kernel has none of the functions");
	if (l->attacher.silent)
		log_warn("latency: this kernel does not tell which returns it misses: calls "
			 "without an end may be in no book");
	if (!m->report.attached || spec_failed(&l->targets, true) ||
		spec_failed(&l->targets, false))
		return -ENOTSUP;
	return 0;
}

static void activate(struct module *m)
{
	struct latency *l = m->state;

	attacher_begin(&l->attacher);
}

static void look(struct module *m, uint64_t now_ns)
{
	struct latency *l = m->state;

	program_watch_look(&l->programs);
}

static uint64_t misses(struct module *m)
{
	struct latency *l = m->state;

	return l ? attacher_misses(&l->attacher) : 0;
}

static void detached(struct module *m)
{
	struct latency *l = m->state;

	if (l)
		attacher_detached(&l->attacher);
}

static void release(struct module *m)
{
	struct latency *l = m->state;

	if (!l)
		return;
	attacher_close(&l->attacher);
	program_watch_free(&l->programs);
	function_targets_free(&l->targets);
	free(l);
}

/* A few functions say what a mechanism can do; one of our own stands for user functions. */
static void shorten(struct function_targets *t, char *path, uint64_t offset)
{
	while (t->n > 3) {
		t->n--;
		free(t->at[t->n].symbol);
		free(t->at[t->n].path);
		free(t->at[t->n].end);
		t->at[t->n] = (struct function_target){0};
	}
	if (path && t->n && t->n < t->cap)
		t->at[t->n++] = (struct function_target){.symbol = strdup("own"),
			.path = strdup(path),
			.offset = offset,
			.no_ends = ""};
}

/* Has a row before this one the same name? */
static bool repeats(const struct mechanism *mech)
{
	const struct mechanism *before;

	for (before = mechanisms; before < mech; before++)
		if (!strcmp(before->name, mech->name))
			return true;
	return false;
}

static size_t check_row(struct module *m, const struct mechanism *mech, char *text, size_t size)
{
	struct latency *l = m->state;
	size_t silent = l->attacher.silent, taken, i;
	uint64_t start = now_ns();

	forget_errors(&l->targets);
	taken = mechanism_attach(mech, &l->attacher, &l->targets, &m->links);
	if (taken)
		snprintf(text, size, "%.1f ms each%s",
			(double)(now_ns() - start) / 1e6 / (double)taken,
			l->attacher.silent > silent ? "; does not tell which returns it misses"
						    : "");
	fd_list_cut(&m->links, 0);
	attacher_detached(&l->attacher);
	for (i = 0; i < l->targets.n; i++)
		l->targets.at[i].attached = false;
	return taken;
}

/* The rows of one name. What it takes to be first choice does not matter here. */
static int check_mechanism(struct module *m, const struct mechanism *first)
{
	struct latency *l = m->state;
	const struct mechanism *mech;
	char text[160] = "";
	size_t taken = 0;
	int err;

	for (mech = first; mech->name && !taken; mech++)
		if (!strcmp(mech->name, first->name) && !mech->must_count_misses)
			taken = check_row(m, mech, text, sizeof(text));
	err = taken ? 0 : first_error(&l->targets, first->user);
	check_line(m->ops->name, first->user ? "user" : "kernel", first->name,
		err || taken ? err : -ENOENT, text);
	return taken > 0;
}

static int check(struct module *m)
{
	struct latency *l = m->state;
	const struct mechanism *mech;
	char path[4096], text[160];
	uint64_t offset = 0;
	int works = 0, err, place;

	place = own_code_place((const void *)(uintptr_t)check, path, sizeof(path), &offset);
#ifdef __thumb__
	place = -ENOTSUP; /* see function_target.c */
#endif
	snprintf(text, sizeof(text), "%zu functions of the network path exist", l->targets.n);
	printf("  %-11s %s\n", m->ops->name, text);
	shorten(&l->targets, place ? NULL : path, offset);
	err = attacher_open(
		&l->attacher, &m->p->maps, &m->p->params, m->p->cfg->return_slots, l->targets.n);
	if (err) {
		check_line(m->ops->name, "-", "program", err, "");
		return 0;
	}
	for (mech = mechanisms; mech->name; mech++)
		if (!repeats(mech))
			works += check_mechanism(m, mech);
	return works;
}

const struct module_ops module_latency = {
	.name = "latency",
	.summary = "calls of kernel functions (the network path, -p k:GLOB) and user functions (-p "
		   "u:PATH:GLOB)",
	.by_default = true,
	.turn = TURN_FUNCTIONS,
	.spec_types = 1u << SPEC_KERNEL | 1u << SPEC_USER,
	.plan = plan,
	.attach = attach,
	.activate = activate,
	.misses = misses,
	.look = look,
	.detached = detached,
	.release = release,
	.check = check,
};
