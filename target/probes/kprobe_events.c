/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kprobe_events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/probes/tracefs.h"

/* KRETPROBE_MAXACTIVE_MAX in kernel/trace/trace_kprobe.c. */
#define SLOTS_MAX 4096u
#define LINE      (KPROBE_EVENT_PATH + 600)

static int open_file(struct kprobe_events *e)
{
	if (!e->group[0])
		e->file = dynamic_events_open("kprobe_events", e->group);
	return e->file;
}

/* kprobe_profile has no groups, so the name alone must say whose it is. */
static void print_path(const struct kprobe_events *e, const struct kprobe_event *ev, char *path)
{
	static const char letters[KPROBE_PLACES] = {'p', 'r', 'A'};
	char which = (char)(letters[ev->place] + ev->part);

	if (ev->kind == KPROBE_SHARED)
		snprintf(path, KPROBE_EVENT_PATH, "%s/%s_%c", e->group, e->group, which);
	else
		snprintf(
			path, KPROBE_EVENT_PATH, "%s/%s_%c%u", e->group, e->group, which, ev->func);
}

/*
 * "TYPE:PATH SYMBOL+OFFSET\n", without a place if ev is NULL. The offset is decimal, as the kernel
 * prints it to compare it when the place is taken out again. Returns how long it is; 0: too long.
 */
static size_t print_line(
	char line[LINE], const char *type, const char *path, const struct kprobe_event *ev)
{
	char offset[16] = "";
	int n;

	if (ev && ev->place == KPROBE_END)
		snprintf(offset, sizeof(offset), "+%u", ev->offset);
	n = snprintf(line, LINE, "%s:%s %s%s\n", type, path, ev ? ev->symbol : "", offset);
	return n < (int)LINE ? (size_t)n : 0;
}

void kprobe_events_shared_path(
	const struct kprobe_events *e, enum kprobe_event_place place, uint8_t part, char *path)
{
	struct kprobe_event ev = {.place = (uint8_t)place, .kind = KPROBE_SHARED, .part = part};

	print_path(e, &ev, path);
}

static struct kprobe_event *grow(struct kprobe_events *e)
{
	if (e->n == e->cap) {
		size_t cap = e->cap ? 2 * e->cap : 16;
		struct kprobe_event *grown = realloc(e->at, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		e->at = grown;
		e->cap = cap;
	}
	return &e->at[e->n];
}

int kprobe_events_add(
	struct kprobe_events *e, const struct kprobe_event *want, uint32_t slots, char *path)
{
	int file = open_file(e), err;
	struct kprobe_event *ev = grow(e);
	char line[LINE], type[16] = "p";
	size_t n;

	if (file < 0)
		return file;
	if (!ev)
		return -ENOMEM;
	*ev = *want;
	if (want->place == KPROBE_RETURN)
		snprintf(type, sizeof(type), "r%u", slots < SLOTS_MAX ? slots : SLOTS_MAX);
	print_path(e, ev, path);
	n = print_line(line, type, path, ev);
	if (!n)
		return -ENAMETOOLONG;
	err = dynamic_events_command(file, line, n);
	e->n += !err;
	return err;
}

static void remove_event(const struct kprobe_events *e, const struct kprobe_event *ev, bool whole)
{
	char path[KPROBE_EVENT_PATH], line[LINE];

	print_path(e, ev, path);
	dynamic_events_command(e->file, line, print_line(line, "-", path, whole ? NULL : ev));
}

/* One command for all of an event's functions. */
static void remove_shared(struct kprobe_events *e)
{
	bool done[KPROBE_PLACES][KPROBE_PARTS] = {{false}};
	size_t i;

	for (i = 0; i < e->n; i++) {
		struct kprobe_event *ev = &e->at[i];

		if (ev->kind != KPROBE_SHARED)
			continue;
		if (!done[ev->place][ev->part])
			remove_event(e, ev, true);
		done[ev->place][ev->part] = ev->gone = true;
	}
}

void kprobe_events_cut(struct kprobe_events *e, size_t keep)
{
	if (!keep)
		remove_shared(e);
	while (e->n > keep) {
		struct kprobe_event *ev = &e->at[--e->n];

		if (!ev->gone)
			remove_event(e, ev, ev->kind == KPROBE_EACH);
	}
}

void kprobe_events_free(struct kprobe_events *e)
{
	kprobe_events_cut(e, 0);
	if (e->group[0] && e->file >= 0)
		close(e->file);
	free(e->at);
	*e = (struct kprobe_events){0};
}

/* "GROUP_p", "GROUP_r" and "GROUP_A" to "GROUP_Z" are shared, "GROUP_p12" is not. */
static bool is_counted(const char *name, const char *group, size_t n, bool shared_only)
{
	if (strncmp(name, group, n) || name[n] != '_')
		return false;
	return !shared_only || !name[n + 1] || !name[n + 2];
}

int kprobe_events_read(
	const struct kprobe_events *e, bool shared_only, uint64_t *hits, uint64_t *missed)
{
	FILE *f = tracefs_open("kprobe_profile");
	unsigned long long hit, miss;
	size_t n = strlen(e->group);
	char line[256], name[128];

	*hits = *missed = 0;
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%127s %llu %llu", name, &hit, &miss) != 3 ||
			!is_counted(name, e->group, n, shared_only))
			continue;
		*hits += hit;
		*missed += miss;
	}
	fclose(f);
	return 0;
}
