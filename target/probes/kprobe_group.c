/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kprobe_group.h"

#include <errno.h>
#include <stdlib.h>

#include "target/probes/perf_attach.h"
#include "target/probes/places.h"

/* When so many in a row are refused and none was taken, this does not work here. */
#define GIVE_UP_AFTER 3

struct candidate {
	uint64_t address;
	struct function_target *target;
};

static int by_low_half(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	uint32_t low_x = (uint32_t)x->address, low_y = (uint32_t)y->address;

	if (low_x != low_y)
		return low_x < low_y ? -1 : 1;
	return x->target->func < y->target->func ? -1 : 1;
}

/* Those whose address says which they are; the others get an error. An address with two names goes
 * to the first. */
static size_t choose(struct candidate *c, struct function_target *const *t, size_t n)
{
	size_t i, all = 0, kept = 0;

	for (i = 0; i < n; i++) {
		t[i]->err = -EOPNOTSUPP;
		if ((uint32_t)t[i]->address)
			c[all++] = (struct candidate){t[i]->address, t[i]};
	}
	qsort(c, all, sizeof(*c), by_low_half);
	for (i = 0; i < all; i++)
		if (!kept || (uint32_t)c[kept - 1].address != (uint32_t)c[i].address)
			c[kept++] = c[i];
	return kept;
}

static int load(struct attacher *a, const struct candidate *c, size_t n)
{
	size_t buckets = places_buckets(n), i;
	struct place *place = calloc(n, sizeof(*place));
	uint32_t factor = 0, shift = 0;
	int err = place ? maps_create_places(a->maps, buckets) : -ENOMEM;

	for (i = 0; i < n && !err; i++)
		place[i] = (struct place){(uint32_t)c[i].address, c[i].target->func};
	if (!err)
		err = places_fill(a->maps->places, buckets, place, n, &factor, &shift);
	if (!err)
		err = program_places_load(&a->copies, factor, shift);
	free(place);
	return err;
}

/* The return first: should it be refused, nothing has been disturbed for the entry. */
static int add(struct attacher *a, const struct function_target *t, char path[2][KPROBE_EVENT_PATH])
{
	size_t before = a->events.n;
	int err = kprobe_events_add(
		&a->events, KPROBE_SHARED, t->symbol, t->func, true, a->slots, path[BODY_EXIT]);

	if (!err)
		err = kprobe_events_add(
			&a->events, KPROBE_SHARED, t->symbol, t->func, false, 0, path[BODY_ENTRY]);
	if (err)
		kprobe_events_cut(&a->events, before);
	return err;
}

static size_t add_all(
	struct attacher *a, const struct candidate *c, size_t n, char path[2][KPROBE_EVENT_PATH])
{
	size_t i, taken = 0, refused = 0;

	for (i = 0; i < n && (taken || refused < GIVE_UP_AFTER); i++) {
		struct function_target *t = c[i].target;

		t->err = add(a, t, path);
		t->attached = !t->err;
		taken += t->attached;
		refused += t->err && t->err != -ENOENT;
	}
	return taken;
}

static int attach(
	struct attacher *a, struct fd_list *links, char path[2][KPROBE_EVENT_PATH], bool on_return)
{
	enum function_body body = on_return ? BODY_EXIT : BODY_ENTRY;

	return fd_list_add(links, perf_attach_tracepoint(program_with_places(&a->copies, body),
					  path[body], 0, false));
}

size_t kprobe_group_attach(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	struct candidate *c = calloc(n ? n : 1, sizeof(*c));
	size_t before = a->events.n, links_before = links->n, chosen, taken = 0, i;
	char path[2][KPROBE_EVENT_PATH];
	int err = -ENOMEM;

	chosen = c ? choose(c, t, n) : 0;
	if (chosen)
		err = load(a, c, chosen);
	if (chosen && !err)
		taken = add_all(a, c, chosen, path);
	if (taken) {
		err = attach(a, links, path, true);
		if (!err)
			err = attach(a, links, path, false);
	}
	if (err) {
		fd_list_cut(links, links_before);
		kprobe_events_cut(&a->events, before);
		for (i = 0; i < chosen; i++) {
			c[i].target->attached = false;
			c[i].target->err = err;
		}
		taken = 0;
	}
	free(c);
	return taken;
}
