/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/program_copy.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "target/probes/object.h"

static const char *const body_names[] = {"body_entry", "body_exit", "body_instant", NULL};
static const char *const cookie_names[] = {"cookie_entry", "cookie_exit", "cookie_instant", NULL};
static const char *const shared_names[] = {"shared_place", NULL};
static const char *const place_names[] = {"place_entry", "place_exit", NULL};

int program_copies_open(
	struct program_copies *c, const struct maps *maps, const struct ayp_params *params)
{
	int err = 0;

	*c = (struct program_copies){.maps = maps, .params = params};
	c->bodies = object_load(&image_function, body_names, maps, params, &err);
	return err;
}

void program_copies_close(struct program_copies *c)
{
	fd_list_free(&c->copies);
	bpf_object__close(c->bodies);
	bpf_object__close(c->cookies);
	bpf_object__close(c->places);
	bpf_object__close(c->shared);
	c->bodies = c->cookies = c->places = c->shared = NULL;
}

static int load_copy(struct program_copies *c, const struct bpf_insn *insns, size_t n,
	const char *name, enum bpf_prog_type type, struct bpf_prog_load_opts *opts)
{
	int fd = bpf_prog_load(type, name, "Dual MIT/GPL", insns, n, opts);
	int err;

	if (fd < 0)
		return -errno;
	err = fd_list_add(&c->copies, fd);
	return err ? err : fd;
}

static bool is_move_of(const struct bpf_insn *insn, int32_t imm)
{
	return insn->imm == imm && BPF_OP(insn->code) == BPF_MOV && BPF_SRC(insn->code) == BPF_K;
}

static size_t replace(struct bpf_insn *insns, size_t n, int32_t old, int32_t imm)
{
	size_t i, found = 0;

	for (i = 0; i < n; i++)
		if (is_move_of(&insns[i], old)) {
			insns[i].imm = imm;
			found++;
		}
	return found;
}

/*
 * With perf's events (no attach type) 0 takes the event away from everybody else. Elsewhere 0 is
 * the only right result: trampolines refuse others, and with uprobe.multi 1 takes the probe away
 * (UPROBE_HANDLER_REMOVE; until Linux 6.13).
 */
static int32_t result(enum bpf_prog_type type, int attach)
{
	return (type == BPF_PROG_TYPE_KPROBE || type == BPF_PROG_TYPE_TRACEPOINT) && !attach;
}

/* The instructions of a loaded program, to be released with free(): they are relocated, maps are
 * descriptors that every copy shares. NULL: out of memory. */
static struct bpf_insn *take_code(
	const struct bpf_program *prog, size_t *n, enum bpf_prog_type type, int attach)
{
	struct bpf_insn *insns;

	*n = bpf_program__insn_cnt(prog);
	insns = malloc(*n * sizeof(*insns));
	if (!insns)
		return NULL;
	memcpy(insns, bpf_program__insns(prog), *n * sizeof(*insns));
	replace(insns, *n, AYP_KEEP_MAGIC, result(type, attach));
	return insns;
}

int program_copy(struct program_copies *c, enum function_body body, uint32_t id,
	enum bpf_prog_type type, enum bpf_attach_type attach, uint32_t btf_id)
{
	LIBBPF_OPTS(
		bpf_prog_load_opts, opts, .expected_attach_type = attach, .attach_btf_id = btf_id);
	const char *name = body_names[body];
	const struct bpf_program *prog = bpf_object__find_program_by_name(c->bodies, name);
	struct bpf_insn *insns;
	size_t n;
	int fd;

	insns = take_code(prog, &n, type, attach);
	if (!insns)
		return -ENOMEM;
	fd = replace(insns, n, AYP_FUNC_MAGIC, (int32_t)id) == 1
		     ? load_copy(c, insns, n, name, type, &opts)
		     : -EINVAL;
	free(insns);
	return fd;
}

int program_with_cookie(struct program_copies *c, enum function_body body)
{
	int err = -EOPNOTSUPP;

	if (!c->cookies_tried) {
		c->cookies_tried = true;
		c->cookies = object_load(&image_function, cookie_names, c->maps, c->params, &err);
	}
	return c->cookies ? object_program_fd(c->cookies, cookie_names[body]) : err;
}

int program_with_cookie_multi(struct program_copies *c, enum function_body body, int attach)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	int fd = program_with_cookie(c, body), i = 0;
	const struct bpf_program *prog;
	struct bpf_insn *insns;
	size_t n;

	if (fd < 0)
		return fd;
	while (c->multi[i].attach && c->multi[i].attach != attach)
		i++;
	c->multi[i].attach = attach;
	if (c->multi[i].fd[body])
		return c->multi[i].fd[body];
	prog = bpf_object__find_program_by_name(c->cookies, cookie_names[body]);
	insns = take_code(prog, &n, BPF_PROG_TYPE_KPROBE, attach);
	if (!insns)
		return -ENOMEM;
	fd = load_copy(c, insns, n, cookie_names[body], BPF_PROG_TYPE_KPROBE, &opts);
	free(insns);
	if (fd > 0)
		c->multi[i].fd[body] = fd;
	return fd;
}

int program_places_load(struct program_copies *c, uint32_t factor, uint32_t shift)
{
	struct ayp_params params = *c->params;
	int err = 0;

	assert(c->maps->places);
	if (c->places)
		return -EEXIST;
	params.place_factor = factor;
	params.place_shift = shift;
	c->places = object_load(&image_function, place_names, c->maps, &params, &err);
	return err;
}

int program_with_places(const struct program_copies *c, enum function_body body)
{
	return c->places ? object_program_fd(c->places, place_names[body]) : -ENOENT;
}

int program_shared(struct program_copies *c)
{
	int err = -EOPNOTSUPP;

	assert(c->maps->user_places);
	if (!c->shared_tried) {
		c->shared_tried = true;
		c->shared = object_load(&image_function, shared_names, c->maps, c->params, &err);
	}
	return c->shared ? object_program_fd(c->shared, shared_names[0]) : err;
}

static uint64_t object_misses(const struct bpf_object *o)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, o)
	{
		if (bpf_program__fd(prog) >= 0)
			sum += program_misses(bpf_program__fd(prog));
	}
	return sum;
}

uint64_t program_copies_misses(const struct program_copies *c)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < c->copies.n; i++)
		sum += program_misses(c->copies.fd[i]);
	if (c->cookies)
		sum += object_misses(c->cookies);
	if (c->places)
		sum += object_misses(c->places);
	if (c->shared)
		sum += object_misses(c->shared);
	return sum;
}
