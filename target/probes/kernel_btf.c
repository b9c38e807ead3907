/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_btf.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <bpf/btf.h>

static struct btf *loaded;
static bool tried;

const struct btf *kernel_btf(void)
{
	if (!tried) {
		tried = true;
		loaded = btf__load_vmlinux_btf();
	}
	return loaded;
}

void kernel_btf_free(void)
{
	btf__free(loaded);
	loaded = NULL;
	tried = false;
}

int kernel_btf_function(const char *name)
{
	int id = kernel_btf() ? btf__find_by_name_kind(loaded, name, BTF_KIND_FUNC) : -ENOENT;

	return id > 0 ? id : -ENOENT;
}

int kernel_btf_member(const char *type, const char *member)
{
	int id = kernel_btf() ? btf__find_by_name_kind(loaded, type, BTF_KIND_STRUCT) : -ENOENT;
	const struct btf_type *t;
	int i;

	if (id < 0)
		return -ENOENT;
	t = btf__type_by_id(loaded, id);
	for (i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(loaded, btf_members(t)[i].name_off), member))
			return btf_member_bit_offset(t, i) / 8;
	return -ENOENT;
}
