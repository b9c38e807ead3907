/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/tracefs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "target/probes/detached_mount.h"

static int dir_fd = -1;
static const char *place;

static int open_mounted(const char *path)
{
	struct statfs fs;
	int fd;

	if (statfs(path, &fs) || fs.f_type != TRACEFS_MAGIC)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		place = path;
	return fd;
}

static int open_detached(void)
{
	int fd = detached_mount("tracefs");

	if (fd >= 0)
		place = "mounted privately";
	return fd;
}

int tracefs_dir(void)
{
	if (dir_fd >= 0)
		return dir_fd;
	dir_fd = open_mounted("/sys/kernel/tracing");
	if (dir_fd < 0)
		dir_fd = open_mounted("/sys/kernel/debug/tracing");
	if (dir_fd < 0) {
		int fd = open_detached();

		if (fd < 0)
			return fd;
		dir_fd = fd;
	}
	return dir_fd;
}

const char *tracefs_place(void)
{
	return tracefs_dir() < 0 ? "not available" : place;
}

FILE *tracefs_open(const char *path)
{
	int dir = tracefs_dir(), fd;
	FILE *f;

	if (dir < 0) {
		errno = -dir;
		return NULL;
	}
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	f = fdopen(fd, "r");
	if (!f)
		close(fd);
	return f;
}

static FILE *open_event(const char *event, const char *file)
{
	char path[256];

	if (snprintf(path, sizeof(path), "events/%s/%s", event, file) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return tracefs_open(path);
}

int tracefs_event_id(const char *path)
{
	FILE *f = open_event(path, "id");
	int id;

	if (!f)
		return -errno;
	if (fscanf(f, "%d", &id) != 1)
		id = -EINVAL;
	fclose(f);
	return id;
}

/* "\tfield:const void * ptr;\toffset:16;\tsize:8;\tsigned:0;": the name ends at the semicolon, or
 * at the bracket of an array. */
static bool is_field(const char *line, const char *field)
{
	const char *end = strchr(line, ';'), *bracket = strchr(line, '[');
	size_t n = strlen(field);

	if (!end)
		return false;
	if (bracket && bracket < end)
		end = bracket;
	return end - line > (ptrdiff_t)n && !strncmp(end - n, field, n) &&
	       (end[-n - 1] == ' ' || end[-n - 1] == '*');
}

int tracefs_event_field(const char *path, const char *field, uint16_t *offset, uint16_t *size)
{
	FILE *f = open_event(path, "format");
	char line[512];
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "offset:");
		unsigned int o, s;

		if (!strstr(line, "field:") || !at || !is_field(line, field))
			continue;
		if (sscanf(at, "offset:%u; size:%u;", &o, &s) != 2 || o > UINT16_MAX ||
			s > UINT16_MAX)
			continue;
		*offset = (uint16_t)o;
		*size = (uint16_t)s;
		err = 0;
	}
	fclose(f);
	return err;
}

static DIR *open_dir(const char *path)
{
	int dir = tracefs_dir(), fd;
	DIR *d;

	if (dir < 0) {
		errno = -dir;
		return NULL;
	}
	fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

int tracefs_each_event(const char *category_glob, const char *name_glob,
	int (*found)(void *ctx, const char *category, const char *name), void *ctx)
{
	DIR *categories = open_dir("events"), *events;
	struct dirent *c, *e;
	char path[256];
	int err = 0;

	if (!categories)
		return -errno;
	while (!err && (c = readdir(categories))) {
		if (c->d_type != DT_DIR || c->d_name[0] == '.' ||
			fnmatch(category_glob, c->d_name, 0))
			continue;
		snprintf(path, sizeof(path), "events/%.200s", c->d_name);
		events = open_dir(path);
		while (events && !err && (e = readdir(events)))
			if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
				!fnmatch(name_glob, e->d_name, 0))
				err = found(ctx, c->d_name, e->d_name);
		if (events)
			closedir(events);
	}
	closedir(categories);
	return err;
}
