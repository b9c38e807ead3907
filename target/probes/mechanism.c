/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/mechanism.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "target/probes/kernel_btf.h"
#include "target/probes/kprobe_group.h"
#include "target/probes/link_missed.h"
#include "target/probes/perf_attach.h"
#include "target/probes/probe.h"
#include "target/probes/user_attach.h"
#include "target/probes/user_shared.h"

/* When so many functions in a row are refused and none was taken, the mechanism does not work here.
 */
#define GIVE_UP_AFTER 3

/* The exit first: should it be refused, nothing has been disturbed for the entry. */
static int attach_pair(
	int (*attach)(struct attacher *, const struct function_target *, bool on_return),
	struct attacher *a, const struct function_target *t, struct fd_list *links)
{
	size_t before = links->n;
	int err = fd_list_add(links, attach(a, t, true));

	if (!err)
		err = fd_list_add(links, attach(a, t, false));
	if (err)
		fd_list_cut(links, before);
	return err;
}

/* ---- fentry/fexit: a trampoline; cheapest per call, a program and a patch of the code per
 * function ---- */

static int fentry_attach(struct attacher *a, const struct function_target *t, bool on_return)
{
	int id = kernel_btf_function(t->symbol), fd, link;

	if (id < 0)
		return id;
	fd = program_copy(&a->copies, on_return ? BODY_EXIT : BODY_ENTRY, t->func,
		BPF_PROG_TYPE_TRACING, on_return ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY,
		(uint32_t)id);
	if (fd < 0)
		return fd;
	link = bpf_raw_tracepoint_open(NULL, fd);
	return link < 0 ? -errno : link;
}

static int fentry_one(struct attacher *a, const struct function_target *t, struct fd_list *links)
{
	return attach_pair(fentry_attach, a, t, links);
}

/* ---- kprobe.multi (Linux 5.18, 0dcac2725406): all functions in one system call -------------- */

/*
 * A pool of nodes holds 2 * CPUs for each function that was asked for, and there is no other way to
 * size it. Who gives addresses may ask for a function several times: it is patched and called once,
 * and cookies go by address.
 */
static size_t times_asked_for(
	const struct attacher *a, struct function_target *const *t, size_t n, bool on_return)
{
	size_t least = 2 * (size_t)libbpf_num_possible_cpus(), i;

	if (!on_return || !a->node_pool || a->slots <= least)
		return 1;
	for (i = 0; i < n; i++)
		if (!t[i]->address)
			return 1;
	return (a->slots + least - 1) / least;
}

static int kprobe_multi_times(struct attacher *a, int fd, struct function_target *const *t,
	size_t n, bool on_return, size_t times)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	size_t cnt = n * times, i;
	const char **symbols = calloc(cnt, sizeof(*symbols));
	unsigned long *addresses = calloc(cnt, sizeof(*addresses));
	__u64 *cookies = calloc(cnt, sizeof(*cookies));
	int link = -ENOMEM;

	if (symbols && addresses && cookies) {
		for (i = 0; i < cnt; i++) {
			symbols[i] = t[i % n]->symbol;
			addresses[i] = (unsigned long)t[i % n]->address;
			cookies[i] = t[i % n]->func;
		}
		if (times > 1)
			opts.kprobe_multi.addrs = addresses;
		else
			opts.kprobe_multi.syms = symbols;
		opts.kprobe_multi.cookies = cookies;
		opts.kprobe_multi.cnt = (uint32_t)cnt;
		opts.kprobe_multi.flags = on_return ? BPF_F_KPROBE_MULTI_RETURN : 0;
		link = bpf_link_create(fd, 0, BPF_TRACE_KPROBE_MULTI, &opts);
		if (link < 0)
			link = -errno;
	}
	free(symbols);
	free(addresses);
	free(cookies);
	return link;
}

static int kprobe_multi(
	struct attacher *a, struct function_target *const *t, size_t n, bool on_return)
{
	int fd = program_with_cookie_multi(
		    &a->copies, on_return ? BODY_EXIT : BODY_ENTRY, BPF_TRACE_KPROBE_MULTI),
	    link = -EINVAL;
	size_t times = times_asked_for(a, t, n, on_return);

	if (fd < 0)
		return fd;
	if (times > 1)
		link = kprobe_multi_times(a, fd, t, n, on_return, times);
	return link < 0 ? kprobe_multi_times(a, fd, t, n, on_return, 1) : link;
}

/* ---- kprobe/kretprobe: one program where attachments have cookies (Linux 5.15)  */

static int probe_program(
	struct attacher *a, const struct function_target *t, bool on_return, bool *cookie)
{
	enum function_body body = on_return ? BODY_EXIT : BODY_ENTRY;
	int fd = program_with_cookie(&a->copies, body);

	*cookie = fd >= 0;
	return fd >= 0 ? fd : program_copy(&a->copies, body, t->func, BPF_PROG_TYPE_KPROBE, 0, 0);
}

/* Through tracefs, or, where it cannot be had, with the few slots of the perf PMU's. */
static int kprobe_attach(struct attacher *a, const struct function_target *t, bool on_return)
{
	size_t before = a->events.n;
	char path[KPROBE_EVENT_PATH];
	bool cookie;
	int fd = probe_program(a, t, on_return, &cookie), err, link;

	if (fd < 0)
		return fd;
	err = kprobe_events_add(&a->events,
		&(struct kprobe_event){.symbol = t->symbol,
			.func = t->func,
			.place = on_return ? KPROBE_RETURN : KPROBE_ENTRY,
			.kind = KPROBE_EACH},
		a->slots, path);
	if (err == -ENOENT && a->events.file >= 0)
		return err;
	if (!err) {
		link = perf_attach_tracepoint(fd, path, t->func, cookie);
		if (link >= 0)
			return link;
		kprobe_events_cut(&a->events, before);
	}
	return perf_attach_kprobe(fd, t->symbol, on_return, t->func, cookie);
}

static int kprobe_one(struct attacher *a, const struct function_target *t, struct fd_list *links)
{
	size_t before = a->events.n;
	int err = attach_pair(kprobe_attach, a, t, links);

	if (err)
		kprobe_events_cut(&a->events, before);
	return err;
}

/*
 * fentry costs the least per call, but every function is a wait for the kernel, twice: 341
 * functions on an emulated 6.1 took 19 s to attach and 88 s to detach; 388 by kprobe.multi (6.12)
 * 0.2 s and 1 s; 1015 by kprobe with shared events (arm64 6.12) 1.1 s and 0.5 s.
 */
const struct mechanism mechanisms[] = {
	{"fentry", .max_targets = 16, .one = fentry_one},
	{"kprobe.multi", .slots = true, .must_count_misses = true, .many = kprobe_multi},
	{"fentry", .max_targets = 96, .one = fentry_one},
	{"kprobe", .slots = true, .group = kprobe_group_attach},
	{"kprobe", .slots = true, .one = kprobe_one},
	{"kprobe.multi", .slots = true, .many = kprobe_multi},
	{"kretprobe", .slots = true, .named = true, .group = kprobe_group_attach_return},
	{"kretprobe", .slots = true, .named = true, .one = kprobe_one},
	{"uprobe.multi", .user = true, .group = user_attach_multi},
	{"uprobe", .user = true, .group = user_attach_shared},
	{"uprobe", .user = true, .group = user_attach_single},
	{"uretprobe.multi", .user = true, .named = true, .group = user_attach_multi_return},
	{"uretprobe", .user = true, .named = true, .group = user_attach_single_return},
	{0},
};

static size_t attach_one_by_one(const struct mechanism *m, struct attacher *a,
	struct function_target **t, size_t n, struct fd_list *links)
{
	size_t i, taken = 0, refused = 0;

	for (i = 0; i < n; i++) {
		t[i]->err = m->one(a, t[i], links);
		t[i]->attached = !t[i]->err;
		taken += t[i]->attached;
		/* "No such function" is about the function, not about the mechanism. */
		if (t[i]->err && t[i]->err != -ENOENT)
			refused++;
		if (!taken && refused >= GIVE_UP_AFTER)
			break;
	}
	return taken;
}

static int many_pair(const struct mechanism *m, struct attacher *a,
	struct function_target *const *t, size_t n, struct fd_list *links)
{
	size_t before = links->n;
	int err = fd_list_add(links, m->many(a, t, n, true));

	if (!err)
		err = fd_list_add(links, m->many(a, t, n, false));
	if (err)
		fd_list_cut(links, before);
	return err;
}

/* One function that cannot be traced fails them all, so halve until it stands alone. */
static size_t attach_halves(const struct mechanism *m, struct attacher *a,
	struct function_target *const *t, size_t n, struct fd_list *links)
{
	int err = many_pair(m, a, t, n, links);
	size_t i;

	if (err && n > 1)
		return attach_halves(m, a, t, n / 2, links) +
		       attach_halves(m, a, t + n / 2, n - n / 2, links);
	for (i = 0; i < n; i++) {
		t[i]->err = err;
		t[i]->attached = !err;
	}
	return err ? 0 : n;
}

/* All at once, or, if the kernel takes any at all, as many as it takes. */
static size_t attach_many(const struct mechanism *m, struct attacher *a,
	struct function_target *const *t, size_t n, struct fd_list *links)
{
	size_t i, before = links->n;
	int err = many_pair(m, a, t, n, links);

	if (err) {
		for (i = 0; err && i < n && i < GIVE_UP_AFTER; i++)
			err = t[i]->err = many_pair(m, a, t + i, 1, links);
		if (err)
			return 0;
		fd_list_cut(links, before);
		return attach_halves(m, a, t, n, links);
	}
	for (i = 0; i < n; i++)
		t[i]->attached = true;
	return n;
}

static bool is_todo(const struct mechanism *m, const struct function_target *t)
{
	return !t->attached && !!t->path == m->user;
}

size_t mechanism_todo(const struct mechanism *m, const struct function_targets *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->n; i++)
		n += is_todo(m, &t->at[i]);
	return n;
}

/* Undo: this way is for those who find no other. */
static size_t take_back(
	struct function_target *const *t, size_t n, struct fd_list *links, size_t keep)
{
	size_t i;

	fd_list_cut(links, keep);
	for (i = 0; i < n; i++) {
		t[i]->attached = false;
		t[i]->err = -EOPNOTSUPP;
	}
	return 0;
}

static bool counts_misses(const struct fd_list *links, size_t first)
{
	uint64_t missed;

	return links->n > first && !link_missed(links->fd[first], &missed);
}

static int note(const struct mechanism *m, struct attacher *a, struct function_target *const *t,
	size_t n, const struct fd_list *links, size_t first)
{
	int err = attacher_note_links(a, links, first, !!m->group);
	size_t i;

	for (i = 0; i < n && !err; i++)
		if (t[i]->attached)
			err = attacher_note_function(a, t[i]->func);
	return err;
}

size_t mechanism_attach(const struct mechanism *m, struct attacher *a, struct function_targets *t,
	struct fd_list *links)
{
	size_t i, n = mechanism_todo(m, t), taken = 0, before = links->n;
	struct function_target **todo = calloc(n ? n : 1, sizeof(*todo));

	if (!todo || !n) {
		free(todo);
		return 0;
	}
	n = 0;
	for (i = 0; i < t->n; i++) {
		if (is_todo(m, &t->at[i]) && t->at[i].no_probe)
			t->at[i].err = -KERNEL_ENOTSUPP;
		else if (is_todo(m, &t->at[i]))
			todo[n++] = &t->at[i];
	}
	if (m->slots && !m->one)
		attacher_look(a, t);
	taken = m->one    ? attach_one_by_one(m, a, todo, n, links)
		: m->many ? attach_many(m, a, todo, n, links)
			  : m->group(a, todo, n, links);
	if (taken && m->must_count_misses && !counts_misses(links, before))
		taken = take_back(todo, n, links, before);
	if (taken && m->slots && note(m, a, todo, n, links, before))
		taken = take_back(todo, n, links, before);
	free(todo);
	return taken;
}
