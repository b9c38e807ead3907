/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/tasks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *field(char *text, const char *key)
{
	char *at = strstr(text, key);

	return at ? at + strlen(key) : NULL;
}

void tasks_look_up(struct names *names, uint32_t tid, bool in_proc)
{
	char path[64], text[512], *comm, *tgid;
	ssize_t n = -1;
	int fd = -1;

	if (tid == 0) {
		names_set(names, ayaprof_Table_TABLE_TASK, 0, 0, "swapper", NULL);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	if (in_proc)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	/* Name comes first and has its control characters escaped, so it cannot fake a later line.
	 */
	comm = field(text, "Name:\t");
	tgid = field(text, "\nTgid:\t");
	if (comm)
		comm[strcspn(comm, "\n")] = '\0';
	names_set(names, ayaprof_Table_TABLE_TASK, tid,
		tgid ? (uint32_t)strtoul(tgid, NULL, 10) : tid, comm ? comm : "", NULL);
}
