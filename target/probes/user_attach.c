/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/probes/perf_attach.h"
#include "target/probes/user_places.h"
#include "target/probes/user_trial.h"

/* When so many functions in a row are refused and none was taken, the mechanism does not work here.
 */
#define GIVE_UP_AFTER 3

/* ---- uprobe.multi (Linux 6.6, 89ae89f53d20): all places of one file in one system call ------- */

/* Newer than this system's linux/bpf.h. */
#define ATTACH_UPROBE_MULTI 48
#define UPROBE_MULTI_RETURN 1u
struct uprobe_multi_attr { /* union bpf_attr, link_create */
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad;
};

static int multi_link(struct attacher *a, const char *path, const struct user_places *l,
	enum function_body body, bool on_return)
{
	int fd = program_with_cookie_multi(&a->copies, body, ATTACH_UPROBE_MULTI), link;
	uint64_t *offsets, *cookies;
	struct uprobe_multi_attr attr;
	size_t i;

	if (fd < 0)
		return fd;
	offsets = calloc(l->n, sizeof(*offsets));
	cookies = calloc(l->n, sizeof(*cookies));
	for (i = 0; offsets && cookies && i < l->n; i++) {
		offsets[i] = l->at[i].offset;
		cookies[i] = l->at[i].id;
	}
	attr = (struct uprobe_multi_attr){
		.prog_fd = (uint32_t)fd,
		.attach_type = ATTACH_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.cnt = (uint32_t)l->n,
		.multi_flags = on_return ? UPROBE_MULTI_RETURN : 0,
	};
	link = -1;
	if (offsets && cookies)
		link = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (link < 0)
		link = offsets && cookies ? -errno : -ENOMEM;
	free(offsets);
	free(cookies);
	return link;
}

static int multi_all(struct attacher *a, struct function_target *const *t, size_t n,
	enum user_way way, struct fd_list *links)
{
	size_t before = links->n, i;
	int err = 0;

	for (i = 0; i < USER_BODIES && !err; i++) {
		struct user_places l;

		err = user_places_collect(&l, t, n, way, user_order[i]);
		if (!err && l.n)
			err = fd_list_add(links,
				multi_link(a, t[0]->path, &l, user_order[i],
					way == USER_BY_RETURN && user_order[i] == BODY_EXIT));
		free(l.at);
	}
	if (err)
		fd_list_cut(links, before);
	return err;
}

/* ---- a perf event for each place ------------------------------------------------------------- */

static int place_program(struct attacher *a, enum function_body body, uint32_t id, bool *cookie)
{
	int fd = program_with_cookie(&a->copies, body);

	*cookie = fd >= 0;
	return fd >= 0 ? fd : program_copy(&a->copies, body, id, BPF_PROG_TYPE_KPROBE, 0, 0);
}

static int single_place(struct attacher *a, const char *path, const struct user_place *p,
	enum function_body body, bool on_return)
{
	bool cookie;
	int fd = place_program(a, body, p->id, &cookie);

	return fd < 0 ? fd : perf_attach_uprobe(fd, path, p->offset, on_return, p->id, cookie);
}

static int single_all(struct attacher *a, struct function_target *const *t, size_t n,
	enum user_way way, struct fd_list *links)
{
	size_t before = links->n, i, k;
	int err = 0;

	for (i = 0; i < USER_BODIES && !err; i++) {
		struct user_places l;

		err = user_places_collect(&l, t, n, way, user_order[i]);
		for (k = 0; k < l.n && !err; k++)
			err = fd_list_add(links,
				single_place(a, t[0]->path, &l.at[k], user_order[i],
					way == USER_BY_RETURN && user_order[i] == BODY_EXIT));
		free(l.at);
	}
	if (err)
		fd_list_cut(links, before);
	return err;
}

/* ---- as many as the kernel takes ------------------------------------------------------------- */

typedef int (*attach_fn)(struct attacher *a, struct function_target *const *t, size_t n,
	enum user_way way, struct fd_list *links);

/* What the kernel refuses may be one of its ends: then its entry alone. */
static int one(struct attacher *a, struct function_target *const *t, enum user_way way,
	attach_fn attach, struct fd_list *links)
{
	const char *no_ends = t[0]->no_ends;
	int err = attach(a, t, 1, way, links);

	if (err && way == USER_BY_INSTRUCTIONS && t[0]->n_ends && !no_ends) {
		t[0]->no_ends = "the kernel takes no probe where it ends";
		if (!attach(a, t, 1, way, links))
			return 0;
		t[0]->no_ends = no_ends;
	}
	return err;
}

static size_t attach_each(struct attacher *a, struct function_target *const *t, size_t n,
	enum user_way way, attach_fn attach, struct fd_list *links)
{
	size_t i, taken = 0, refused = 0;

	for (i = 0; i < n && (taken || refused < GIVE_UP_AFTER); i++) {
		t[i]->err = one(a, t + i, way, attach, links);
		t[i]->attached = !t[i]->err;
		taken += t[i]->attached;
		/* "No such function" is about the function, not about the mechanism. */
		refused += t[i]->err && t[i]->err != -ENOENT;
	}
	return taken;
}

/* One place that cannot be probed fails them all, so halve until it stands alone. */
static size_t attach_halves(struct attacher *a, struct function_target *const *t, size_t n,
	enum user_way way, attach_fn attach, struct fd_list *links)
{
	size_t i, half = n / 2;

	if (n < 2)
		return attach_each(a, t, n, way, attach, links);
	if (attach(a, t, n, way, links))
		return attach_halves(a, t, half, way, attach, links) +
		       attach_halves(a, t + half, n - half, way, attach, links);
	for (i = 0; i < n; i++) {
		t[i]->err = 0;
		t[i]->attached = true;
	}
	return n;
}

/* All at once, or, if the kernel takes any at all, as many as it takes. */
static size_t attach_file(struct attacher *a, struct function_target *const *t, size_t n,
	enum user_way way, attach_fn attach, struct fd_list *links)
{
	size_t before = links->n, i, tried = n < GIVE_UP_AFTER ? n : GIVE_UP_AFTER, works;

	if (!attach(a, t, n, way, links)) {
		for (i = 0; i < n; i++)
			t[i]->attached = true;
		return n;
	}
	works = attach_each(a, t, tried, way, attach, links);
	if (!works)
		return 0;
	fd_list_cut(links, before);
	return attach_halves(a, t, n, way, attach, links);
}

static int by_path(const void *a, const void *b)
{
	const struct function_target *const *x = a, *const *y = b;
	int order_of_paths = strcmp((*x)->path, (*y)->path);

	if (order_of_paths)
		return order_of_paths;
	return (*x)->func < (*y)->func ? -1 : (*x)->func > (*y)->func;
}

static size_t attach_files(struct attacher *a, struct function_target *const *t, size_t n,
	enum user_way way, attach_fn attach, bool each, struct fd_list *links)
{
	struct function_target **sorted = calloc(n ? n : 1, sizeof(*sorted));
	size_t i, end, taken = 0;

	if (!sorted)
		return 0;
	memcpy(sorted, t, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_path);
	for (i = 0; i < n; i = end) {
		struct user_trial trial;

		for (end = i; end < n && !strcmp(sorted[end]->path, sorted[i]->path);)
			end++;
		user_trial_begin(&trial, sorted + i, end - i);
		taken += each ? attach_each(a, sorted + i, end - i, way, attach, links)
			      : attach_file(a, sorted + i, end - i, way, attach, links);
		user_trial_end(&trial);
	}
	free(sorted);
	return taken;
}

size_t user_attach_multi(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach_files(a, t, n, USER_BY_INSTRUCTIONS, multi_all, false, links);
}

size_t user_attach_multi_return(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach_files(a, t, n, USER_BY_RETURN, multi_all, false, links);
}

size_t user_attach_single(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach_files(a, t, n, USER_BY_INSTRUCTIONS, single_all, true, links);
}

size_t user_attach_single_return(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach_files(a, t, n, USER_BY_RETURN, single_all, true, links);
}

/* arch/{x86,arm64,arm}/include/{asm,uapi/asm}/ptrace.h: numbers of words before it. */
void user_attach_registers(struct ayp_params *params)
{
#if defined(__x86_64__)
	params->user_sp = (struct ayp_field){19 * 8, 8};
	params->user_flags_offset = 18 * 8;
	params->pc_offset = 16 * 8;
#elif defined(__i386__)
	params->user_sp = (struct ayp_field){15 * 4, 4};
	params->user_flags_offset = 14 * 4;
	params->pc_offset = 12 * 4;
#elif defined(__aarch64__)
	params->user_sp = (struct ayp_field){31 * 8, 8};
	params->user_link = (struct ayp_field){30 * 8, 8};
	params->user_flags_offset = 33 * 8;
	params->pc_offset = 32 * 8;
#elif defined(__arm__)
	params->user_sp = (struct ayp_field){13 * 4, 4};
	params->user_link = (struct ayp_field){14 * 4, 4};
	params->user_flags_offset = 16 * 4;
	params->pc_offset = 15 * 4;
#endif
}
