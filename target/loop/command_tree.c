/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who descends from a process, by /proc: for signals to a part of a process group. */
#include "target/loop/command.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct process {
	pid_t pid, parent, group;
	bool chosen;
};

/* "PID (NAME) STATE PARENT GROUP ..."; a name may hold anything, parentheses, too. */
static bool read_process(const char *number, struct process *p)
{
	char path[64], text[512], *end;
	int parent = 0, group = 0;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", number);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %*c %d %d", &parent, &group) != 2)
		return false;
	*p = (struct process){(pid_t)strtol(number, NULL, 10), parent, group, false};
	return p->pid > 0;
}

static struct process *list(size_t *n)
{
	DIR *dir = opendir("/proc");
	struct process *all = NULL, *grown, p;
	size_t cap = 0;
	struct dirent *entry;

	*n = 0;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
			!read_process(entry->d_name, &p))
			continue;
		if (*n == cap) {
			cap = cap ? 2 * cap : 256;
			grown = realloc(all, cap * sizeof(*all));
			if (!grown)
				break;
			all = grown;
		}
		all[(*n)++] = p;
	}
	if (dir)
		closedir(dir);
	return all;
}

static bool has_chosen_parent(const struct process *all, size_t n, const struct process *p)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].pid == p->parent)
			return all[i].chosen;
	return false;
}

void command_tree_signal(pid_t root, pid_t group, int signal)
{
	size_t n;
	struct process *all = list(&n);
	bool more = true;

	for (size_t i = 0; i < n; i++)
		all[i].chosen = all[i].pid == root;
	while (more) {
		more = false;
		for (size_t i = 0; i < n; i++)
			if (!all[i].chosen && has_chosen_parent(all, n, &all[i]))
				more = all[i].chosen = true;
	}
	for (size_t i = 0; i < n; i++)
		if (all[i].chosen && all[i].pid != root && all[i].group == group)
			kill(all[i].pid, signal);
	kill(root, signal);
	free(all);
}
