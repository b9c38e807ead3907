/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/call_instants.h"

#include <errno.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "target/syscalls/syscalls.h"

/* The tracepoints have the names of the kernel's functions, which for some calls of the first days
 * is new...: sys_newfstat is fstat (include/linux/syscalls.h). */
static int number_of(const char *name)
{
	struct syscall_table t;
	char machine[65];
	int nr;

	syscalls_machine(machine, sizeof(machine));
	if (!syscalls_of(machine, AYP_ABI_NATIVE, &t))
		return -1;
	nr = syscalls_number(&t, name);
	if (nr < 0 && !strncmp(name, "new", 3))
		nr = syscalls_number(&t, name + 3);
	return nr < (int)AYP_CALL_INSTANTS ? nr : -1;
}

/* 0 enter, 1 exit; *nr: the call's number. -1: another tracepoint. */
static int which(const char *path, int *nr)
{
	static const char *const prefixes[] = {"syscalls/sys_enter_", "syscalls/sys_exit_"};
	int at;

	for (at = 0; at < 2; at++) {
		size_t n = strlen(prefixes[at]);

		if (strncmp(path, prefixes[at], n) != 0)
			continue;
		*nr = number_of(path + n);
		return *nr < 0 ? -1 : at;
	}
	return -1;
}

bool call_instants_know(const char *path)
{
	struct ayp_syscall_params unused = {0};
	int nr;

	return which(path, &nr) >= 0 && !syscall_prepare_instants(&unused);
}

static int reserve(struct call_instants *c, struct probes *p)
{
	int first = c->reserved ? 0 : names_reserve_funcs(p->names, 2 * AYP_CALL_INSTANTS);

	if (first < 0)
		return first;
	if (!c->reserved) {
		c->params.instants[0].first = (uint64_t)first;
		c->params.instants[1].first = (uint64_t)first + AYP_CALL_INSTANTS;
	}
	c->reserved = true;
	return 0;
}

int call_instants_take(struct call_instants *c, struct probes *p, const char *path,
	const char *shown, uint16_t *func)
{
	struct ayp_call_instants *to;
	int nr, at = which(path, &nr), err;

	if (at < 0)
		return -ENOENT;
	err = reserve(c, p);
	if (err)
		return err;
	to = &c->params.instants[at];
	*func = (uint16_t)(to->first + (uint64_t)nr);
	to->wanted[nr / 64] |= 1ull << nr % 64;
	c->n++;
	return names_set_func(p->names, *func, AYP_CLASS_TRACEPOINT, shown, NULL);
}

int call_instants_attach(const struct call_instants *c, struct module *m)
{
	static const char *const programs[] = {"call_enter_instant", "call_exit_instant", NULL};
	struct ayp_syscall_params params = c->params;
	int err = syscall_prepare_instants(&params), i;
	size_t before = m->links.n;
	struct bpf_object *o;

	if (err)
		return err;
	o = object_load_own(&image_syscall, programs, &m->p->maps, &m->p->params, &params,
		sizeof(params), &err);
	if (!o)
		return err;
	for (i = 0; programs[i] && !err; i++)
		err = fd_list_add(&m->links, object_attach(o, programs[i]));
	if (err) {
		fd_list_cut(&m->links, before);
		bpf_object__close(o);
		return err;
	}
	return programs_keep(&m->programs, o);
}
