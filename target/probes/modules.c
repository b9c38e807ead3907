/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All probe modules: the build lists the files that there are. */
#include "target/probes/probe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "target/probes/mechanism.h"

#define MODULE(name) extern const struct module_ops module_##name;
#include "target/modules.inc"
#undef MODULE

#define MODULE(name) &module_##name,
static const struct module_ops *modules[] = {
#include "target/modules.inc"
};
#undef MODULE
#define N_MODULES (sizeof(modules) / sizeof(modules[0]))

_Static_assert(N_MODULES <= PROBES_MAX_MODULES, "each has a place in struct probes and in Hello");

static int by_turn(const void *a, const void *b)
{
	const struct module_ops *x = *(const struct module_ops *const *)a;
	const struct module_ops *y = *(const struct module_ops *const *)b;

	return x->turn != y->turn ? (x->turn > y->turn) - (x->turn < y->turn)
				  : strcmp(x->name, y->name);
}

static void set_in_order(void)
{
	static bool done;
	size_t i;

	if (done)
		return;
	done = true;
	for (i = 0; i < N_MODULES; i++) {
		assert(modules[i]->parts || (modules[i]->attach && modules[i]->check));
		assert(modules[i]->own_params_size <= OWN_PARAMS_MAX);
	}
	qsort(modules, N_MODULES, sizeof(modules[0]), by_turn);
}

const struct module_ops *module_at(size_t i)
{
	set_in_order();
	return i < N_MODULES ? modules[i] : NULL;
}

bool probes_module_exists(const char *name)
{
	size_t i;

	for (i = 0; module_at(i); i++)
		if (!strcmp(module_at(i)->name, name))
			return true;
	return false;
}

static bool has_mechanism(const struct module_ops *ops, const char *name)
{
	const struct candidate *c;
	const char *const *other;
	const struct part *part;

	for (part = ops->parts; part && part->name; part++)
		for (c = part->candidates; c->mechanism; c++)
			if (!strcmp(c->mechanism, name))
				return true;
	for (other = ops->mechanisms; other && *other; other++)
		if (!strcmp(*other, name))
			return true;
	return false;
}

bool probes_mechanism_exists(const char *name)
{
	size_t i;

	for (i = 0; mechanisms[i].name; i++)
		if (!strcmp(mechanisms[i].name, name))
			return true;
	for (i = 0; module_at(i); i++)
		if (has_mechanism(module_at(i), name))
			return true;
	return false;
}
