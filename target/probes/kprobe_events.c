/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kprobe_events.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "target/probes/tracefs.h"

#define FILE_NAME "kprobe_events"
/* KRETPROBE_MAXACTIVE_MAX in kernel/trace/trace_kprobe.c. */
#define SLOTS_MAX 4096u
/* What closed an event a moment ago may still be at it. */
#define BUSY_TRIES   20
#define BUSY_WAIT_NS 10000000

static int command(int file, const char *line, size_t n)
{
	struct timespec moment = {0, BUSY_WAIT_NS};
	int tries, err = 0;

	for (tries = 0; tries < BUSY_TRIES; tries++) {
		err = write(file, line, n) == (ssize_t)n ? 0 : -errno;
		if (err != -EBUSY)
			return err;
		nanosleep(&moment, NULL);
	}
	return err;
}

/* A process number means something in its pid namespace only. */
static unsigned int pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (unsigned int)st.st_ino;
}

/* Made by this program in this namespace, by a process that is no more (or had our number)? */
static bool is_stale(const char *group)
{
	unsigned int ns;
	int pid, end = 0;

	if (sscanf(group, "ayaprof_%u_%d/%n", &ns, &pid, &end) != 2 || !end || pid <= 0 ||
		ns != pid_namespace())
		return false;
	return pid == getpid() || (kill(pid, 0) && errno == ESRCH);
}

/* Lines are "p:GROUP/NAME SYMBOL" or "r16:GROUP/NAME SYMBOL". The list is read to its end before
 * it is changed. */
static void remove_stale(int file)
{
	FILE *f = tracefs_open(FILE_NAME), *todo;
	char line[512], *text = NULL, *at, *end;
	size_t size = 0;

	todo = f ? open_memstream(&text, &size) : NULL;
	while (todo && fgets(line, sizeof(line), f)) {
		char *group = strchr(line, ':');

		if (group && is_stale(group + 1))
			fprintf(todo, "-:%.*s\n", (int)strcspn(group + 1, " \n"), group + 1);
	}
	if (f)
		fclose(f);
	if (!todo || fclose(todo))
		return;
	for (at = text; (end = strchr(at, '\n')); at = end + 1)
		command(file, at, (size_t)(end + 1 - at));
	free(text);
}

static int open_file(struct kprobe_events *e)
{
	int dir;

	if (e->group[0])
		return e->file;
	snprintf(e->group, sizeof(e->group), "ayaprof_%u_%d", pid_namespace(), (int)getpid());
	dir = tracefs_dir();
	if (dir < 0)
		return e->file = dir;
	/* Opening it with O_TRUNC would remove everybody's events. */
	e->file = openat(dir, FILE_NAME, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (e->file < 0)
		return e->file = -errno;
	remove_stale(e->file);
	return e->file;
}

/* kprobe_profile has no groups, so the name alone must say whose it is. */
static void print_path(const struct kprobe_events *e, const struct kprobe_event *ev, char *path)
{
	char which = ev->on_return ? 'r' : 'p';

	if (ev->kind == KPROBE_SHARED)
		snprintf(path, KPROBE_EVENT_PATH, "%s/%s_%c", e->group, e->group, which);
	else
		snprintf(
			path, KPROBE_EVENT_PATH, "%s/%s_%c%u", e->group, e->group, which, ev->func);
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

int kprobe_events_add(struct kprobe_events *e, enum kprobe_event_kind kind, const char *symbol,
	uint16_t func, bool on_return, uint32_t slots, char *path)
{
	int file = open_file(e), err;
	struct kprobe_event *ev = grow(e);
	char line[KPROBE_EVENT_PATH + 600], type[16] = "p";

	if (file < 0)
		return file;
	if (!ev)
		return -ENOMEM;
	*ev = (struct kprobe_event){
		.symbol = symbol, .func = func, .on_return = on_return, .kind = kind};
	if (on_return)
		snprintf(type, sizeof(type), "r%u", slots < SLOTS_MAX ? slots : SLOTS_MAX);
	print_path(e, ev, path);
	if (snprintf(line, sizeof(line), "%s:%s %s\n", type, path, symbol) >= (int)sizeof(line))
		return -ENAMETOOLONG;
	err = command(file, line, strlen(line));
	e->n += !err;
	return err;
}

static void remove_event(const struct kprobe_events *e, const struct kprobe_event *ev, bool whole)
{
	char path[KPROBE_EVENT_PATH], line[KPROBE_EVENT_PATH + 600];

	print_path(e, ev, path);
	snprintf(line, sizeof(line), "-:%s %s\n", path, whole ? "" : ev->symbol);
	command(e->file, line, strlen(line));
}

/* One command for all of an event's functions. */
static void remove_shared(struct kprobe_events *e)
{
	bool done[2] = {false, false};
	size_t i;

	for (i = 0; i < e->n; i++) {
		struct kprobe_event *ev = &e->at[i];

		if (ev->kind != KPROBE_SHARED)
			continue;
		if (!done[ev->on_return])
			remove_event(e, ev, true);
		done[ev->on_return] = ev->gone = true;
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

/* "GROUP_p" and "GROUP_r" are shared, "GROUP_p12" is not. */
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
