/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/base/foreign_file.h"

static int look(const char *path, struct stat *st)
{
	if (stat(path, st))
		return -errno;
	return S_ISREG(st->st_mode) ? 0 : S_ISDIR(st->st_mode) ? -EISDIR : -EINVAL;
}

/* Like a shell: the first that may be executed. */
static bool in_search_path(const char *name, char *path, struct stat *st)
{
	const char *dir = getenv("PATH"), *end;

	for (; dir && *dir; dir = *end ? end + 1 : end) {
		end = strchrnul(dir, ':');
		if (end == dir || snprintf(path, PATH_MAX, "%.*s/%s", (int)(end - dir), dir,
					  name) >= PATH_MAX)
			continue;
		if (!look(path, st) && !access(path, X_OK))
			return true;
	}
	return false;
}

static int find(const char *name, char *path, struct stat *st)
{
	int err;

	if (snprintf(path, PATH_MAX, "%s", name) >= PATH_MAX)
		return -ENAMETOOLONG;
	err = look(path, st);
	if (!err || strchr(name, '/'))
		return err;
	if (in_search_path(name, path, st))
		return 0;
	snprintf(path, PATH_MAX, "%s", name);
	return err;
}

/* The kernel looks the path up once more, from wherever this program stands then. */
static void make_absolute(char *path, const struct stat *st)
{
	char real[PATH_MAX], here[PATH_MAX];
	struct stat same;

	/* A link of /proc reads as a path of the other root: what it names here is another file. */
	if (realpath(path, real) && !stat(real, &same) && same.st_dev == st->st_dev &&
		same.st_ino == st->st_ino) {
		memcpy(path, real, strlen(real) + 1);
		return;
	}
	if (path[0] != '/' && getcwd(here, sizeof(here)) &&
		snprintf(real, sizeof(real), "%.2000s/%.2000s", here, path) < PATH_MAX)
		memcpy(path, real, strlen(real) + 1);
}

static int describe(int err, const char *name, char *why, size_t size)
{
	if (err == -ENOENT)
		snprintf(why, size, "there is no file %s%s", name,
			strchr(name, '/') ? "" : " here or in $PATH");
	else
		snprintf(why, size, "%s: %s", name, foreign_file_why(err));
	return err;
}

int user_path_find(const struct probe_spec *spec, struct user_path *found, char *why, size_t size)
{
	char name[PATH_MAX];
	const char *glob = spec->glob;
	size_t n = strlen(spec->path);
	struct stat st;
	int first, err;

	if (n >= sizeof(name))
		return describe(-ENAMETOOLONG, "PATH", why, size);
	memcpy(name, spec->path, n + 1);
	first = err = find(name, found->path, &st);
	while (err == -ENOENT || err == -ENOTDIR) {
		const char *colon = strchr(glob, ':');
		size_t more = colon ? (size_t)(colon - glob) : 0;

		if (!colon || !colon[1] || n + 1 + more >= sizeof(name))
			return describe(first, spec->path, why, size);
		name[n] = ':';
		memcpy(name + n + 1, glob, more);
		n += 1 + more;
		name[n] = '\0';
		glob = colon + 1;
		err = find(name, found->path, &st);
	}
	if (err)
		return describe(err, name, why, size);
	make_absolute(found->path, &st);
	found->glob = glob;
	found->dev = st.st_dev;
	found->ino = st.st_ino;
	return 0;
}
