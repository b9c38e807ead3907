/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/process_maps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void add(struct process_maps *m, char *line)
{
	unsigned long long start, end, offset;
	struct process_mapping *grown;
	char perms[5], *path;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%llx-%llx %4s %llx %*s %*s %n", &start, &end, perms, &offset, &at) < 4 ||
		perms[2] != 'x' || !at)
		return;
	path = strdup(line + at);
	grown = realloc(m->at, (m->n + 1) * sizeof(*grown));
	if (grown)
		m->at = grown;
	if (!path || !grown) {
		free(path);
		return;
	}
	m->at[m->n++] = (struct process_mapping){start, end, offset, path};
}

void process_maps_read(struct process_maps *m, uint32_t tgid)
{
	char path[64], *line = NULL;
	struct process_maps fresh = {.tgid = tgid, .read_ns = now_ns()};
	size_t cap = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	f = fopen(path, "re");
	while (f && getline(&line, &cap, f) > 0)
		add(&fresh, line);
	if (f)
		fclose(f);
	free(line);
	if (!fresh.n && m->tgid == tgid && m->n) {
		m->read_ns = fresh.read_ns;
		return;
	}
	process_maps_free(m);
	*m = fresh;
}

void process_maps_free(struct process_maps *m)
{
	while (m->n)
		free(m->at[--m->n].path);
	free(m->at);
	*m = (struct process_maps){0};
}

const struct process_mapping *process_maps_find(const struct process_maps *m, uint64_t address)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (address >= m->at[i].start && address < m->at[i].end)
			return &m->at[i];
	return NULL;
}
