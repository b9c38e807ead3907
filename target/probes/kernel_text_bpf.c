/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "target/probes/object.h"
#include "target/syscalls/syscalls.h"

/* No page begins there. */
#define NO_PAGE 1u

struct by_bpf {
	struct kernel_text text; /* first */
	struct bpf_object *object;
	int program, map;
	uint64_t page; /* the address of what `bytes` holds, or NO_PAGE */
	uint8_t bytes[AYP_TEXT_BYTES];
};

/* One run copies one page, aligned: it is there as a whole or not at all. *result: of the program,
 * 0: it is there. */
static int run_for(struct by_bpf *b, uint64_t page, uint32_t *result)
{
	uint64_t args[1] = {page};
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(b->program, &run);

	*result = run.retval;
	return err;
}

static bool fetch(struct by_bpf *b, uint64_t page)
{
	uint32_t zero = 0, result;

	if (b->page == page)
		return true;
	b->page = NO_PAGE;
	if (run_for(b, page, &result) || result || bpf_map_lookup_elem(b->map, &zero, b->bytes))
		return false;
	b->page = page;
	return true;
}

/* Page 0 is nobody's: a kernel that can run this says so. */
static int try_it(struct by_bpf *b)
{
	uint32_t result;
	int err = b->program < 0 ? b->program : b->map < 0 ? -ENOENT : run_for(b, 0, &result);

	return err ? err : result ? 0 : -ENOTSUP;
}

static size_t read_pages(struct kernel_text *t, uint64_t address, void *to, size_t n)
{
	struct by_bpf *b = (struct by_bpf *)t;
	size_t got = 0;

	while (got < n && address + got >= address) {
		size_t into = (size_t)((address + got) % AYP_TEXT_BYTES);
		size_t most = AYP_TEXT_BYTES - into;

		if (!fetch(b, address + got - into))
			break;
		if (most > n - got)
			most = n - got;
		memcpy((uint8_t *)to + got, b->bytes + into, most);
		got += most;
	}
	return got;
}

static void close_object(struct kernel_text *t)
{
	struct by_bpf *b = (struct by_bpf *)t;

	bpf_object__close(b->object);
	free(b);
}

struct kernel_text *kernel_text_bpf(
	const struct maps *maps, const struct ayp_params *params, int *err)
{
	static const char *const programs[] = {"read_text", NULL};
	struct by_bpf *b = NULL;
	char machine[65];

	*err = syscalls_wider_kernel(machine, sizeof(machine)) ? -EOPNOTSUPP : 0;
	if (!*err)
		b = calloc(1, sizeof(*b));
	if (!b) {
		*err = *err ? *err : -ENOMEM;
		return NULL;
	}
	b->object = object_load(&image_task, programs, maps, params, err);
	if (!b->object) {
		free(b);
		return NULL;
	}
	b->program = object_program_fd(b->object, programs[0]);
	b->map = bpf_object__find_map_fd_by_name(b->object, "text");
	b->page = NO_PAGE;
	b->text = (struct kernel_text){
		.source = "a BPF program",
		.any_mapping = true,
		.read = read_pages,
		.close = close_object,
	};
	*err = try_it(b);
	if (!*err)
		return &b->text;
	close_object(&b->text);
	return NULL;
}
