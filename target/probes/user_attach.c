/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target/probes/perf_attach.h"
#include "target/probes/user_kind.h"

/* When so many functions in a row are refused and none was taken, the mechanism does not work here.
 */
#define GIVE_UP_AFTER 3

/* ---- which places ---------------------------------------------------------------------------- */

/* One probe. */
struct place {
	uint64_t offset;
	uint32_t id; /* AYP_ID */
};

struct places_list {
	struct place *at;
	size_t n;
};

/* How the ends of these functions are found. */
enum way { BY_INSTRUCTIONS, BY_RETURN };

static bool has_ends(const struct function_target *t, enum way way)
{
	return way == BY_RETURN ? !user_name_keeps_return(t->symbol) : !t->no_ends;
}

static bool may_come_again(const struct function_target *t)
{
	size_t i;

	for (i = 0; i < t->n_ends; i++)
		if (t->end[i].again)
			return true;
	return false;
}

/* Probes of one body that a function needs; out: room for 1 + n_ends. */
static size_t places_of(
	const struct function_target *t, enum way way, enum function_body body, struct place *out)
{
	bool ends = has_ends(t, way);
	size_t i;

	if (body == BODY_INSTANT || body == BODY_ENTRY) {
		*out = (struct place){t->offset, AYP_ID(t->func, 0)};
		if (way == BY_INSTRUCTIONS && body == BODY_ENTRY && may_come_again(t))
			out->id |= AYP_ID_AGAIN;
		return ends == (body == BODY_ENTRY);
	}
	if (way == BY_RETURN) {
		*out = (struct place){t->offset, AYP_ID(t->func, 0)};
		return ends;
	}
	for (i = 0; ends && i < t->n_ends; i++)
		out[i] = (struct place){t->end[i].offset,
			AYP_ID(t->func, t->end[i].when) | (t->end[i].again ? AYP_ID_AGAIN : 0)};
	return ends ? t->n_ends : 0;
}

static int collect(struct places_list *l, struct function_target *const *t, size_t n, enum way way,
	enum function_body body)
{
	size_t i, room = 0;

	for (i = 0; i < n; i++)
		room += 1 + t[i]->n_ends;
	*l = (struct places_list){.at = calloc(room ? room : 1, sizeof(*l->at))};
	if (!l->at)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		l->n += places_of(t[i], way, body, l->at + l->n);
	return 0;
}

/* Ends first: should they be refused, nothing has been disturbed for the entry. */
static const enum function_body order[] = {BODY_EXIT, BODY_INSTANT, BODY_ENTRY};
#define N_BODIES (sizeof(order) / sizeof(order[0]))

/* ---- uprobe.multi (Linux 6.6, 89ae89f53d20): all places of one file in one system call ------- */

/* Newer than this system's linux/bpf.h. */
#define ATTACH_UPROBE_MULTI 48
#define UPROBE_MULTI_RETURN 1u
struct uprobe_multi_attr { /* union bpf_attr, link_create */
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad;
};

static int multi_link(struct attacher *a, const char *path, const struct places_list *l,
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

static int multi_all(struct attacher *a, struct function_target *const *t, size_t n, enum way way,
	struct fd_list *links)
{
	size_t before = links->n, i;
	int err = 0;

	for (i = 0; i < N_BODIES && !err; i++) {
		struct places_list l;

		err = collect(&l, t, n, way, order[i]);
		if (!err && l.n)
			err = fd_list_add(
				links, multi_link(a, t[0]->path, &l, order[i],
					       way == BY_RETURN && order[i] == BODY_EXIT));
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

static int single_place(struct attacher *a, const char *path, const struct place *p,
	enum function_body body, bool on_return)
{
	bool cookie;
	int fd = place_program(a, body, p->id, &cookie);

	return fd < 0 ? fd : perf_attach_uprobe(fd, path, p->offset, on_return, p->id, cookie);
}

static int single_all(struct attacher *a, struct function_target *const *t, size_t n, enum way way,
	struct fd_list *links)
{
	size_t before = links->n, i, k;
	int err = 0;

	for (i = 0; i < N_BODIES && !err; i++) {
		struct places_list l;

		err = collect(&l, t, n, way, order[i]);
		for (k = 0; k < l.n && !err; k++)
			err = fd_list_add(
				links, single_place(a, t[0]->path, &l.at[k], order[i],
					       way == BY_RETURN && order[i] == BODY_EXIT));
		free(l.at);
	}
	if (err)
		fd_list_cut(links, before);
	return err;
}

/* ---- as many as the kernel takes ------------------------------------------------------------- */

typedef int (*attach_fn)(struct attacher *a, struct function_target *const *t, size_t n,
	enum way way, struct fd_list *links);

/* What the kernel refuses may be one of its ends: then its entry alone. */
static int one(struct attacher *a, struct function_target *const *t, enum way way, attach_fn attach,
	struct fd_list *links)
{
	const char *no_ends = t[0]->no_ends;
	int err = attach(a, t, 1, way, links);

	if (err && way == BY_INSTRUCTIONS && t[0]->n_ends && !no_ends) {
		t[0]->no_ends = "the kernel takes no probe where it ends";
		if (!attach(a, t, 1, way, links))
			return 0;
		t[0]->no_ends = no_ends;
	}
	return err;
}

static size_t attach_each(struct attacher *a, struct function_target *const *t, size_t n,
	enum way way, attach_fn attach, struct fd_list *links)
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
	enum way way, attach_fn attach, struct fd_list *links)
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
	enum way way, attach_fn attach, struct fd_list *links)
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
	enum way way, attach_fn attach, bool each, struct fd_list *links)
{
	struct function_target **sorted = calloc(n ? n : 1, sizeof(*sorted));
	size_t i, end, taken = 0;

	if (!sorted)
		return 0;
	memcpy(sorted, t, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_path);
	for (i = 0; i < n; i = end) {
		for (end = i; end < n && !strcmp(sorted[end]->path, sorted[i]->path);)
			end++;
		taken += each ? attach_each(a, sorted + i, end - i, way, attach, links)
			      : attach_file(a, sorted + i, end - i, way, attach, links);
	}
	free(sorted);
	return taken;
}

size_t user_attach_multi(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach_files(a, t, n, BY_INSTRUCTIONS, multi_all, false, links);
}

size_t user_attach_multi_return(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach_files(a, t, n, BY_RETURN, multi_all, false, links);
}

size_t user_attach_single(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach_files(a, t, n, BY_INSTRUCTIONS, single_all, true, links);
}

size_t user_attach_single_return(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach_files(a, t, n, BY_RETURN, single_all, true, links);
}

/* arch/{x86,arm64,arm}/include/{asm,uapi/asm}/ptrace.h: numbers of words before it. */
void user_attach_registers(struct ayp_params *params)
{
#if defined(__x86_64__)
	params->user_sp = (struct ayp_field){19 * 8, 8};
	params->user_flags_offset = 18 * 8;
#elif defined(__i386__)
	params->user_sp = (struct ayp_field){15 * 4, 4};
	params->user_flags_offset = 14 * 4;
#elif defined(__aarch64__)
	params->user_sp = (struct ayp_field){31 * 8, 8};
	params->user_link = (struct ayp_field){30 * 8, 8};
	params->user_flags_offset = 33 * 8;
#elif defined(__arm__)
	params->user_sp = (struct ayp_field){13 * 4, 4};
	params->user_link = (struct ayp_field){14 * 4, 4};
	params->user_flags_offset = 16 * 4;
#endif
}
