/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* --list-modules, --list-functions. */
#include "target/probes/probe.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/probes/kernel_symbols.h"
#include "target/probes/own_helpers.h"

int probes_list_modules(const struct config *cfg)
{
	const struct module_ops *ops;
	size_t i;

	for (i = 0; (ops = module_at(i)); i++)
		printf("%-11s %-8s %s\n", ops->name, ops->by_default ? "default" : "",
			ops->summary);
	return 0;
}

struct list {
	const char *glob;
	size_t n, left_out;
	/* With -v: names that can be traced, in the kernel's order, then sorted. */
	char **name;
	size_t n_names;
	bool keep;
	bool unsafe; /* nothing is left out for safety */
};

static int keep(struct list *l, const char *name)
{
	char **grown = l->name;

	if (!(l->n_names & (l->n_names - 1)))
		grown = realloc(l->name, (l->n_names ? 2 * l->n_names : 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->name = grown;
	l->name[l->n_names] = strdup(name);
	return l->name[l->n_names] ? (l->n_names++, 0) : -ENOMEM;
}

static int print_function(void *ctx, const char *name, const char *module)
{
	struct list *l = ctx;

	const char *part = l->unsafe ? NULL : own_helper(name);

	if (part) {
		log_detail("left out: %s: every probe runs through it (%s)", name, part);
		l->left_out++;
	} else {
		l->n++;
		if (module[0])
			printf("%s [%s]\n", name, module);
		else
			printf("%s\n", name);
	}
	return l->keep ? keep(l, name) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the symbol table, but not among those that can be traced. */
static int print_untraceable(void *ctx, const char *name, const char *module)
{
	struct list *l = ctx;

	if (fnmatch(l->glob, name, 0) ||
		bsearch(&name, l->name, l->n_names, sizeof(*l->name), by_name))
		return 0;
	log_detail("left out: %s: the kernel has no place for a probe there (notrace, or an alias)",
		name);
	l->left_out++;
	return 0;
}

static int list(struct list *l)
{
	int err = kernel_functions_matching(l->glob, print_function, l);

	if (err || !l->keep)
		return err;
	if (l->n_names)
		qsort(l->name, l->n_names, sizeof(*l->name), by_name);
	return kernel_functions_unlisted(print_untraceable, l);
}

int probes_list_functions(const struct config *cfg, const char *glob)
{
	struct list l = {.glob = glob, .keep = log_verbosity() > 0, .unsafe = cfg->unsafe};
	int err = list(&l);

	while (l.n_names)
		free(l.name[--l.n_names]);
	free(l.name);
	if (err) {
		log_error("cannot list kernel functions: %s; needs root", strerror(-err));
		return 1;
	}
	if (!l.n && l.left_out) {
		log_error("no function that matches %s can be traced; -v says why", glob);
		return 1;
	}
	if (!l.n) {
		log_error("no kernel function matches %s; see --list-functions '*'", glob);
		return 1;
	}
	return 0;
}
