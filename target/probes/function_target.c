/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/function_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/base/nearest.h"
#include "target/probes/kernel_symbols.h"
#include "target/probes/network_functions.h"
#include "target/probes/own_helpers.h"

struct search {
	struct function_targets *t;
	const struct config *cfg;
	bool built_in;
	bool found[N_NETWORK_FUNCTIONS];
	size_t *matches; /* per spec, those left out included */
	size_t *kept;    /* those that are not */
	/* Functions that matched and are not traced, as text. */
	size_t left_out;
	char left_names[160];
};

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

static void tell_left_out(const struct search *s)
{
	size_t listed = 1;
	char more[64] = "";
	const char *at;

	if (!s->left_out)
		return;
	for (at = s->left_names; (at = strchr(at, ' ')); at++)
		listed++;
	if (listed < s->left_out)
		snprintf(more, sizeof(more), " and %zu more (-v has all)", s->left_out - listed);
	log_note("not traced, because every probe itself runs through it: %s%s", s->left_names,
		more);
}

static int on_kernel_function(void *ctx, const char *name, const char *module)
{
	struct search *s = ctx;
	bool wanted = false, by_spec = false;
	const char *part = NULL;
	ptrdiff_t at = s->built_in ? built_in_index(name) : -1;
	size_t i;

	if (at >= 0)
		wanted = s->found[at] = true;
	for (i = 0; i < s->cfg->n_probes; i++)
		if (s->cfg->probes[i].type == SPEC_KERNEL &&
			spec_matches(s->cfg->probes[i].glob, name)) {
			s->matches[i]++;
			if (!by_spec)
				part = forbidden(s, name);
			s->kept[i] += !part;
			wanted = by_spec = true;
		}
	if (wanted && !by_spec)
		part = forbidden(s, name);
	if (part)
		return leave_out(s, name, part);
	return wanted ? function_targets_add_kernel(s->t, name, by_spec) : 0;
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
			s->kept[i]++;
			return function_targets_add_kernel(s->t, name, true);
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
	if (err == -EPERM || err == -EACCES)
		log_error("%s: cannot read the list of kernel functions: no permission; needs root",
			what);
	else
		log_error("%s: %s", what, strerror(-err));
	return err;
}

static int offer_name(void *ctx, const char *name, const char *module)
{
	nearest_offer(ctx, name);
	return 0;
}

static void tell_missed(const struct search *s, size_t i)
{
	const struct probe_spec *spec = &s->cfg->probes[i];
	const char *wrong = spec_wrong_pattern(spec->glob);
	char names[3 * NEAREST_NAME + 16];
	struct nearest n;

	if (s->matches[i]) {
		spec_missed(s->cfg, spec,
			"nothing is left to trace of it: every probe itself runs through %s%s; "
			"--unsafe insists",
			s->left_names, s->left_out > 1 ? ", ..." : "");
	} else if (wrong) {
		spec_missed(s->cfg, spec, "it is no pattern: %s", wrong);
	} else {
		nearest_init(&n, spec->glob);
		kernel_functions_each(offer_name, &n);
		nearest_text(&n, names, sizeof(names));
		spec_missed(s->cfg, spec, "no kernel function matches; %s%s%s",
			names[0] ? "is it " : "see --list-functions", names, names[0] ? "?" : "");
	}
}

/* The list of functions has been read: how many there are for each specification. */
static int count_specs(struct search *s)
{
	size_t i;

	for (i = 0; i < s->cfg->n_probes; i++) {
		const struct probe_spec *spec = &s->cfg->probes[i];

		if (spec->type != SPEC_KERNEL)
			continue;
		if (s->t->n_different > FUNCTION_TARGETS_MAX && s->kept[i]) {
			log_error("%s: %zu kernel functions match, and %u is the most that can be "
				  "traced at once; use a narrower pattern",
				spec_text(spec), s->kept[i], FUNCTION_TARGETS_MAX);
			return -E2BIG;
		}
		if (!s->kept[i])
			tell_missed(s, i);
		s->t->specs.found += s->kept[i] > 0;
		s->t->specs.missed += !s->kept[i];
	}
	return 0;
}

static int find_all(struct search *s)
{
	int err = kernel_functions_each(on_kernel_function, s);

	if (!err)
		err = find_unlisted(s);
	return err ? explain(err, "kernel functions") : count_specs(s);
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
	s.kept = calloc(cfg->n_probes + 1, sizeof(*s.kept));
	err = s.matches && s.kept ? find_all(&s) : explain(-ENOMEM, "kernel functions");
	free(s.matches);
	free(s.kept);
	if (err)
		return err;
	if (t->n)
		tell_left_out(&s);
	for (i = 0; built_in && i < N_NETWORK_FUNCTIONS; i++)
		if (!s.found[i]) {
			log_detail("latency: this kernel has no %s", network_functions[i]);
			t->missing++;
		}
	return 0;
}
