/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/probes/perf_attach.h"
#include "target/probes/user_places.h"
#include "target/probes/user_trial.h"

/* Of 16 KiB each (ARM: 4) in the kernel. Enough for all functions in 256 KiB of code, and for
 * thousands of larger programs. */
#define GROUPS_MAX 64u
#define SLOTS_MAX  ((size_t)GROUPS_MAX * AYP_USER_PLACES)

/* A probe in its group. */
struct member {
	struct function_target *whose;
	struct user_place place;
	uint32_t group;
};

struct sharing {
	struct attacher *a;
	struct member *member;
	size_t n, cap;
	size_t n_groups;
	uint8_t taken[SLOTS_MAX / 8];
};

/* ---- which probe in which group -------------------------------------------------------------- */

static size_t slot(size_t group, uint64_t offset)
{
	return group * AYP_USER_PLACES + (size_t)(offset % 4096 / AYP_USER_PLACE_BYTES);
}

/* 0, -ENOSPC or -ENOMEM. */
static int put(
	struct sharing *s, struct function_target *t, const struct user_place *p, uint32_t kind)
{
	size_t group = 0, at = slot(0, p->offset);

	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 256;
		struct member *grown = realloc(s->member, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->member = grown;
		s->cap = cap;
	}
	while (group < GROUPS_MAX && s->taken[at / 8] >> at % 8 & 1)
		at = slot(++group, p->offset);
	if (group == GROUPS_MAX)
		return -ENOSPC;
	s->taken[at / 8] |= (uint8_t)(1u << at % 8);
	s->member[s->n++] = (struct member){t, {p->offset, p->id | kind}, (uint32_t)group};
	if (s->n_groups <= group)
		s->n_groups = group + 1;
	return 0;
}

static void take_back(struct sharing *s, size_t keep)
{
	while (s->n > keep) {
		const struct member *m = &s->member[--s->n];
		size_t at = slot(m->group, m->place.offset);

		s->taken[at / 8] &= (uint8_t) ~(1u << at % 8);
	}
}

/* All places of a function, or none. The entry first, so that it has a lower group than an end at
 * the same place: groups are attached from the last to the first, and what was attached last is
 * called first. */
static int put_function(struct sharing *s, struct function_target *t)
{
	static const uint32_t kinds[] = {[BODY_ENTRY] = AYP_ID_ENTRY,
		[BODY_EXIT] = AYP_ID_END,
		[BODY_INSTANT] = AYP_ID_INSTANT};
	size_t before = s->n, body, i;
	int err = 0;

	for (body = USER_BODIES; body-- > 0 && !err;) {
		enum function_body b = user_order[body];
		struct user_places l;

		err = user_places_collect(&l, &t, 1, USER_BY_INSTRUCTIONS, b);
		for (i = 0; !err && i < l.n; i++)
			err = put(s, t, &l.at[i], kinds[b]);
		free(l.at);
	}
	if (err)
		take_back(s, before);
	return err;
}

/* Those of t that have no error so far. 0 or -ENOMEM. */
static int arrange(struct sharing *s, struct function_target *const *t, size_t n)
{
	size_t i;

	s->n = s->n_groups = 0;
	memset(s->taken, 0, sizeof(s->taken));
	for (i = 0; i < n; i++) {
		if (!t[i]->err)
			t[i]->err = put_function(s, t[i]);
		if (t[i]->err == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->place.offset < y->place.offset ? -1 : x->place.offset > y->place.offset;
}

/* From `first` on, how many are in its group. */
static size_t in_group(const struct sharing *s, size_t first)
{
	size_t i = first;

	while (i < s->n && s->member[i].group == s->member[first].group)
		i++;
	return i - first;
}

/* ---- in the kernel --------------------------------------------------------------------------- */

/* A descriptor that detaches, or a negative errno. What cannot even be named gets its error. */
static int attach(struct sharing *s, const struct member *m, size_t n, size_t event, uint32_t group)
{
	struct uprobe_events *e = &s->a->uprobes;
	char path[DYNAMIC_EVENT_PATH];
	int prog = program_shared(&s->a->copies), err = prog < 0 ? prog : 0;
	size_t i;

	for (i = 0; i < n && !err; i++) {
		err = uprobe_events_add(e, event, m[i].whose->path, m[i].place.offset);
		if (err && e->file >= 0)
			m[i].whose->err = err;
	}
	if (err)
		return err;
	uprobe_events_path(e, event, path);
	return perf_attach_tracepoint(prog, path, group, true);
}

/* Which of one event's probes does the kernel refuse? By halves; their functions get its error. */
static void find_refused(struct sharing *s, const struct member *m, size_t n)
{
	int link = attach(s, m, n, 0, 0);

	if (link >= 0)
		close(link);
	uprobe_events_remove(&s->a->uprobes, 0);
	if (link >= 0)
		return;
	if (n == 1) {
		m->whose->err = link;
		return;
	}
	find_refused(s, m, n / 2);
	find_refused(s, m + n / 2, n - n / 2);
}

static void find_all_refused(struct sharing *s)
{
	size_t first, n;

	for (first = 0; first < s->n; first += n) {
		n = in_group(s, first);
		find_refused(s, &s->member[first], n);
	}
}

static size_t rows_of(const struct sharing *s)
{
	return s->n_groups * AYP_USER_PLACES / AYP_USER_PLACES_IN_ROW;
}

static int attach_all(struct sharing *s, struct fd_list *links)
{
	struct maps *m = s->a->maps;
	size_t i, end, first;
	int err = 0;

	memset(m->user_places, 0, rows_of(s) * sizeof(*m->user_places));
	for (i = 0; i < s->n; i++) {
		size_t at = slot(s->member[i].group, s->member[i].place.offset);

		m->user_places[at / AYP_USER_PLACES_IN_ROW].id[at % AYP_USER_PLACES_IN_ROW] =
			s->member[i].place.id;
	}
	for (end = s->n; end && !err; end = first) {
		for (first = end; first && s->member[first - 1].group == s->member[end - 1].group;)
			first--;
		err = fd_list_add(links, attach(s, &s->member[first], end - first,
						 s->member[first].group, s->member[first].group));
	}
	return err;
}

static bool has_error(struct function_target *const *t, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (t[i]->err && t[i]->err != -ENOSPC)
			return true;
	return false;
}

static int share(
	struct sharing *s, struct function_target *const *t, size_t n, struct fd_list *links)
{
	size_t before = links->n;
	int err = arrange(s, t, n);

	if (!err && !s->n)
		err = -ENOSPC;
	if (!err)
		err = maps_create_user_places(s->a->maps, rows_of(s));
	if (!err)
		err = program_shared(&s->a->copies) < 0 ? -EOPNOTSUPP : 0;
	if (err)
		return err;
	qsort(s->member, s->n, sizeof(*s->member), by_group);
	err = attach_all(s, links);
	if (!err || s->a->uprobes.file < 0)
		return err;
	/* One that the kernel refuses has taken the others with it. */
	fd_list_cut(links, before);
	uprobe_events_free(&s->a->uprobes);
	find_all_refused(s);
	uprobe_events_free(&s->a->uprobes);
	if (!has_error(t, n))
		return err;
	err = arrange(s, t, n);
	if (!err && !s->n)
		err = -ENOENT;
	if (err)
		return err;
	qsort(s->member, s->n, sizeof(*s->member), by_group);
	return attach_all(s, links);
}

/* One for each run of functions of one file; *n_trials of them. NULL: no memory, and nothing is
 * tried. */
static struct user_trial *begin_trials(struct function_target *const *t, size_t n, size_t *n_trials)
{
	struct user_trial *trial = calloc(n ? n : 1, sizeof(*trial));
	size_t i, end;

	*n_trials = 0;
	for (i = 0; trial && i < n; i = end) {
		for (end = i; end < n && !strcmp(t[end]->path, t[i]->path);)
			end++;
		user_trial_begin(&trial[(*n_trials)++], t + i, end - i);
	}
	return trial;
}

static void end_trials(struct user_trial *trial, size_t n)
{
	while (n-- > 0)
		user_trial_end(&trial[n]);
	free(trial);
}

size_t user_attach_shared(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	struct sharing *s = calloc(1, sizeof(*s));
	size_t before = links->n, taken = 0, i;
	int err = s ? 0 : -ENOMEM;

	for (i = 0; i < n; i++)
		t[i]->err = 0;
	if (s) {
		size_t n_trials;
		struct user_trial *trial = begin_trials(t, n, &n_trials);

		s->a = a;
		err = share(s, t, n, links);
		end_trials(trial, n_trials);
		free(s->member);
		free(s);
	}
	if (err) {
		fd_list_cut(links, before);
		uprobe_events_free(&a->uprobes);
	}
	for (i = 0; i < n; i++) {
		if (err && !t[i]->err)
			t[i]->err = err;
		t[i]->attached = !t[i]->err;
		taken += t[i]->attached;
	}
	return taken;
}
