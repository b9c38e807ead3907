/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* --list-modules, --list-functions. */
#include "target/probes/probe.h"

#include <stdio.h>
#include <string.h>

#include "target/log.h"
#include "target/probes/kernel_symbols.h"

int probes_list_modules(const struct config *cfg)
{
	const struct module_ops *ops;
	size_t i;

	for (i = 0; (ops = module_at(i)); i++)
		printf("%-11s %-8s %s\n", ops->name, ops->by_default ? "default" : "",
			ops->summary);
	return 0;
}

static int print_function(void *ctx, const char *name, const char *module)
{
	size_t *n = ctx;

	++*n;
	if (module[0])
		printf("%s [%s]\n", name, module);
	else
		printf("%s\n", name);
	return 0;
}

int probes_list_functions(const struct config *cfg, const char *glob)
{
	size_t n = 0;
	int err = kernel_functions_matching(glob, print_function, &n);

	if (err) {
		log_error("cannot list kernel functions: %s; needs root", strerror(-err));
		return 1;
	}
	if (!n) {
		log_error("no kernel function matches %s; see --list-functions '*'", glob);
		return 1;
	}
	return 0;
}
