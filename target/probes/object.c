/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "target/base/log.h"
#include "target/probes/perf_attach.h"

static int print_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (log_verbosity() < 2 || (level == LIBBPF_DEBUG && log_verbosity() < 3))
		return 0;
	return vfprintf(stderr, fmt, args);
}

void object_set_messages(void)
{
	libbpf_set_print(print_message);
}

/* As common.bpf.h lays them out; the whole is rounded up to its alignment. */
static int set_constants(
	struct bpf_object *o, const struct ayp_params *params, const void *own, size_t own_size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(o, ".rodata");
	unsigned char bytes[sizeof(*params) + OWN_PARAMS_MAX + 8] = {0};
	size_t size;

	if (!map)
		return -ENOENT;
	if (!bpf_map__initial_value(map, &size) || own_size > OWN_PARAMS_MAX ||
		size < sizeof(*params) + own_size || size >= sizeof(*params) + own_size + 8)
		return -EINVAL;
	memcpy(bytes, params, sizeof(*params));
	if (own_size)
		memcpy(bytes + sizeof(*params), own, own_size);
	return bpf_map__set_initial_value(map, bytes, size);
}

static int prepare(struct bpf_object *o, const char *const *programs, const struct maps *maps)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	int err, fd;

	for (; *programs; programs++) {
		prog = bpf_object__find_program_by_name(o, *programs);
		if (!prog)
			return -ENOENT;
		err = bpf_program__set_autoload(prog, true);
		if (err)
			return err;
	}
	bpf_object__for_each_map(map, o)
	{
		fd = maps_fd_by_name(maps, bpf_map__name(map));
		if (fd < 0)
			continue;
		err = bpf_map__reuse_fd(map, fd);
		if (err)
			return err;
	}
	return 0;
}

struct bpf_object *object_load(const struct bpf_image *image, const char *const *programs,
	const struct maps *maps, const struct ayp_params *params, int *err)
{
	return object_load_own(image, programs, maps, params, NULL, 0, err);
}

struct bpf_object *object_load_own(const struct bpf_image *image, const char *const *programs,
	const struct maps *maps, const struct ayp_params *params, const void *own, size_t own_size,
	int *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = image->name);
	struct bpf_object *o;
	size_t size;
	void *bytes = image_unpack(image, &size);

	if (!bytes) {
		*err = -ENOMEM;
		return NULL;
	}
	o = bpf_object__open_mem(bytes, size, &opts);
	*err = o ? 0 : -errno;
	free(bytes); /* libbpf has copied what it needs */
	if (!o)
		return NULL;
	*err = prepare(o, programs, maps);
	if (!*err)
		*err = set_constants(o, params, own, own_size);
	if (!*err)
		*err = bpf_object__load(o);
	if (*err) {
		bpf_object__close(o);
		return NULL;
	}
	return o;
}

int object_program_fd(const struct bpf_object *o, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(o, name);

	return prog ? bpf_program__fd(prog) : -ENOENT;
}

int object_attach(const struct bpf_object *o, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(o, name);
	const char *section, *what;
	int fd;

	if (!prog)
		return -ENOENT;
	section = bpf_program__section_name(prog);
	what = strchr(section, '/');
	if (!what)
		return -EINVAL;
	what++;
	if (!strncmp(section, "raw_tp/", 7))
		fd = bpf_raw_tracepoint_open(what, bpf_program__fd(prog));
	else
		return perf_attach_tracepoint(bpf_program__fd(prog), what, 0, false);
	return fd < 0 ? -errno : fd;
}

int programs_keep(struct fd_list *l, struct bpf_object *o)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program(prog, o)
	{
		int fd = bpf_program__fd(prog);

		if (fd < 0 || err)
			continue;
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? -errno : fd_list_add(l, fd);
		err = err < 0 ? err : 0;
	}
	bpf_object__close(o);
	return err;
}

uint64_t program_misses(int prog_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &size))
		return 0;
	return info.recursion_misses;
}

uint64_t programs_misses(const struct fd_list *l)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < l->n; i++)
		sum += program_misses(l->fd[i]);
	return sum;
}
