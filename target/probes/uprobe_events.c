/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/uprobe_events.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void uprobe_events_path(const struct uprobe_events *e, size_t event, char path[DYNAMIC_EVENT_PATH])
{
	snprintf(path, DYNAMIC_EVENT_PATH, "%s/%s_u%zu", e->group, e->group, event);
}

int uprobe_events_add(struct uprobe_events *e, size_t event, const char *file, uint64_t offset)
{
	char path[DYNAMIC_EVENT_PATH], line[DYNAMIC_EVENT_PATH + PATH_MAX + 32];
	const char *c;
	int n;

	for (c = file; *c; c++)
		if (isspace((unsigned char)*c))
			return -EINVAL;
	if (!e->group[0])
		e->file = dynamic_events_open("uprobe_events", e->group);
	if (e->file < 0)
		return e->file;
	uprobe_events_path(e, event, path);
	n = snprintf(
		line, sizeof(line), "p:%s %s:0x%llx\n", path, file, (unsigned long long)offset);
	if (n >= (int)sizeof(line))
		return -ENAMETOOLONG;
	if (e->n <= event)
		e->n = event + 1;
	return dynamic_events_command(e->file, line, (size_t)n);
}

void uprobe_events_remove(struct uprobe_events *e, size_t event)
{
	char path[DYNAMIC_EVENT_PATH], line[DYNAMIC_EVENT_PATH + 8];

	uprobe_events_path(e, event, path);
	dynamic_events_command(e->file, line, (size_t)snprintf(line, sizeof(line), "-:%s\n", path));
}

void uprobe_events_free(struct uprobe_events *e)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		uprobe_events_remove(e, i);
	if (e->group[0] && e->file >= 0)
		close(e->file);
	*e = (struct uprobe_events){0};
}
