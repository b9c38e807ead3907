/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kprobe_group.h"

#include <errno.h>
#include <stdlib.h>

#include "target/base/log.h"
#include "target/probes/perf_attach.h"
#include "target/probes/places.h"

/* When so many in a row are refused and none was taken, this does not work here. */
#define GIVE_UP_AFTER 3

/* Places of one event: for each that is added the kernel looks through all of them. */
#define PART_PLACES 1024u

struct candidate {
	uint64_t address;
	struct function_target *target;
	size_t end; /* index of its first */
	size_t n_ends;
};

/* Functions by one reason. */
struct reason {
	const char *why;
	size_t n;
};

struct group {
	struct attacher *a;
	struct candidate *c;
	size_t n;
	uint32_t *end; /* bytes from the begin of each one's function */
	size_t n_ends, cap_ends;
	struct reason reason[16]; /* for return probes */
	/* Added to the events: */
	size_t places, returns, by_ends;
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
			c[all++] = (struct candidate){t[i]->address, t[i], 0, 0};
	}
	qsort(c, all, sizeof(*c), by_low_half);
	for (i = 0; i < all; i++)
		if (!kept || (uint32_t)c[kept - 1].address != (uint32_t)c[i].address)
			c[kept++] = c[i];
	return kept;
}

static void note_reason(struct group *g, const char *why)
{
	size_t i;

	for (i = 0; i < sizeof(g->reason) / sizeof(g->reason[0]); i++) {
		if (!g->reason[i].why)
			g->reason[i].why = why;
		if (g->reason[i].why == why) {
			g->reason[i].n++;
			return;
		}
	}
}

/* Room for one more function's. */
static bool make_room(struct group *g)
{
	size_t cap = 2 * g->cap_ends + 4 * KERNEL_ENDS_MAX;
	uint32_t *grown;

	if (g->n_ends + KERNEL_ENDS_MAX <= g->cap_ends)
		return true;
	grown = realloc(g->end, cap * sizeof(*grown));
	if (!grown)
		return false;
	g->end = grown;
	g->cap_ends = cap;
	return true;
}

static void find_ends(struct group *g)
{
	size_t i;

	for (i = 0; i < g->n && KERNEL_CODE_READ && g->a->code; i++) {
		struct candidate *c = &g->c[i];
		const char *why = "its name has several addresses";

		if (!make_room(g))
			return;
		c->end = g->n_ends;
		if (!c->target->ambiguous)
			c->n_ends =
				kernel_code_ends(g->a->code, c->address, g->end + g->n_ends, &why);
		if (!c->n_ends)
			note_reason(g, why);
		g->n_ends += c->n_ends;
	}
}

static size_t list_places(const struct group *g, struct place *to)
{
	size_t i, k, n = 0;

	for (i = 0; i < g->n; i++) {
		const struct candidate *c = &g->c[i];

		to[n++] = (struct place){(uint32_t)c->address, c->target->func};
		for (k = 0; k < c->n_ends; k++)
			to[n++] = (struct place){
				(uint32_t)(c->address + g->end[c->end + k]), c->target->func};
	}
	return n;
}

static int load(struct group *g)
{
	size_t n = g->n + g->n_ends, buckets = places_buckets(n);
	struct place *place = calloc(n, sizeof(*place));
	struct attacher *a = g->a;
	uint32_t factor = 0, shift = 0;
	int err = place ? maps_create_places(a->maps, buckets) : -ENOMEM;

	if (!err)
		err = places_fill(
			a->maps->places, buckets, place, list_places(g, place), &factor, &shift);
	if (!err)
		err = program_places_load(&a->copies, factor, shift);
	free(place);
	return err;
}

static int add_place(struct group *g, const struct candidate *c, enum kprobe_event_place place,
	uint32_t offset, size_t number)
{
	struct kprobe_event want = {.symbol = c->target->symbol,
		.offset = offset,
		.func = c->target->func,
		.place = (uint8_t)place,
		.kind = KPROBE_SHARED,
		.more = number > 0};
	char path[KPROBE_EVENT_PATH];

	if (place == KPROBE_END)
		want.part = (uint8_t)(g->places / PART_PLACES);
	return kprobe_events_add(&g->a->events, &want, g->a->slots, path);
}

/* All of them, or none. */
static int add_ends(struct group *g, const struct candidate *c)
{
	size_t before = g->a->events.n, places = g->places, i;
	int err = 0;

	for (i = 0; i < c->n_ends && !err; i++) {
		err = g->places / PART_PLACES < KPROBE_PARTS
			      ? add_place(g, c, KPROBE_END, g->end[c->end + i], i)
			      : -E2BIG;
		g->places += !err;
	}
	if (!err)
		return 0;
	kprobe_events_cut(&g->a->events, before);
	g->places = places;
	return err;
}

/* The end first: should it be refused, nothing has been disturbed for the entry. */
static int add(struct group *g, const struct candidate *c)
{
	size_t before = g->a->events.n, places = g->places;
	bool by_ends = c->n_ends && !add_ends(g, c);
	int err = by_ends ? 0 : add_place(g, c, KPROBE_RETURN, 0, 0);

	if (c->n_ends && !by_ends)
		note_reason(g, "the kernel takes no probe where it returns");
	if (!err)
		err = add_place(g, c, KPROBE_ENTRY, 0, 0);
	if (err) {
		kprobe_events_cut(&g->a->events, before);
		g->places = places;
		return err;
	}
	g->by_ends += by_ends;
	g->returns += !by_ends;
	return 0;
}

static size_t add_all(struct group *g)
{
	size_t i, taken = 0, refused = 0;

	for (i = 0; i < g->n && (taken || refused < GIVE_UP_AFTER); i++) {
		struct function_target *t = g->c[i].target;

		t->err = add(g, &g->c[i]);
		t->attached = !t->err;
		taken += t->attached;
		refused += t->err && t->err != -ENOENT;
	}
	return taken;
}

static int attach_event(
	struct group *g, struct fd_list *links, enum kprobe_event_place place, size_t part)
{
	enum function_body body = place == KPROBE_ENTRY ? BODY_ENTRY : BODY_EXIT;
	char path[KPROBE_EVENT_PATH];

	kprobe_events_shared_path(&g->a->events, place, (uint8_t)part, path);
	return fd_list_add(links,
		perf_attach_tracepoint(program_with_places(&g->a->copies, body), path, 0, false));
}

static int attach_events(struct group *g, struct fd_list *links)
{
	size_t part;
	int err = 0;

	for (part = 0; part * PART_PLACES < g->places && !err; part++)
		err = attach_event(g, links, KPROBE_END, part);
	if (g->returns && !err)
		err = attach_event(g, links, KPROBE_RETURN, 0);
	return err ? err : attach_event(g, links, KPROBE_ENTRY, 0);
}

static void tell(const struct group *g)
{
	size_t i;

	if (!g->a->code)
		return;
	log_detail("latency: %zu functions end at %zu return instructions, %zu by return probes",
		g->by_ends, g->places, g->returns);
	for (i = 0; i < sizeof(g->reason) / sizeof(g->reason[0]) && g->reason[i].why; i++)
		log_detail("latency: return probes: %zu, because %s", g->reason[i].n,
			g->reason[i].why);
}

static size_t attach(struct attacher *a, struct function_target *const *t, size_t n,
	struct fd_list *links, bool ends)
{
	struct group g = {.a = a, .c = calloc(n ? n : 1, sizeof(*g.c))};
	size_t before = a->events.n, links_before = links->n, taken = 0, i;
	int err = -ENOMEM;

	g.n = g.c ? choose(g.c, t, n) : 0;
	if (ends)
		find_ends(&g);
	if (g.n)
		err = load(&g);
	if (g.n && !err)
		taken = add_all(&g);
	if (taken)
		err = attach_events(&g, links);
	if (taken && !err)
		tell(&g);
	if (err) {
		fd_list_cut(links, links_before);
		kprobe_events_cut(&a->events, before);
		for (i = 0; i < g.n; i++) {
			g.c[i].target->attached = false;
			g.c[i].target->err = err;
		}
		taken = 0;
	}
	free(g.c);
	free(g.end);
	return taken;
}

size_t kprobe_group_attach(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach(a, t, n, links, true);
}

size_t kprobe_group_attach_return(
	struct attacher *a, struct function_target *const *t, size_t n, struct fd_list *links)
{
	return attach(a, t, n, links, false);
}
