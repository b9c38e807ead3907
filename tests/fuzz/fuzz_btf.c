/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Type information of any bytes, raw or in an ELF file: every type and part that there is, by number and by name. */
#include <string.h>

#include "target/probes/btf_file.h"
#include "tests/fuzz/fuzz_file.h"

static void look(struct btf_file *f, uint32_t id)
{
	struct btf_member member;
	struct btf_param param;
	struct btf_type t;
	char name[40];

	if (!btf_file_type(f, id, &t))
		return;
	btf_file_name(f, t.name_off, name, sizeof(name));
	MUST(memchr(name, 0, sizeof(name)));
	for (uint32_t i = 0; i < 3; i++) {
		if (btf_file_member(f, id, i, &member))
			btf_file_name(f, member.name_off, name, sizeof(name));
		if (btf_file_param(f, id, i, &param))
			btf_file_name(f, param.name_off, name, sizeof(name));
	}
	(void)btf_file_member(f, id, UINT32_MAX, &member);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const functions[] = {"", "a", "f", "int", "vfs_read"};
	int ids[sizeof(functions) / sizeof(*functions)], id;
	struct btf_file *f = btf_file_open(fuzz_file(data, size));
	struct btf_type t;

	if (!f)
		return 0;
	for (uint32_t i = 0; i < 40; i++)
		look(f, i);
	look(f, UINT32_MAX);
	id = btf_file_find(f, "a", BTF_KIND_STRUCT);
	MUST(id <= 0 ||
		(btf_file_type(f, (uint32_t)id, &t) && BTF_INFO_KIND(t.info) == BTF_KIND_STRUCT));
	btf_file_functions(f, functions, ids, sizeof(functions) / sizeof(*functions));
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		MUST(ids[i] < 0 || (btf_file_type(f, (uint32_t)ids[i], &t) &&
					   BTF_INFO_KIND(t.info) == BTF_KIND_FUNC));
	btf_file_close(f);
	return 0;
}
