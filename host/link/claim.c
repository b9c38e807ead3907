/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/link/claim.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/text.h"

#define TRIES 3 /* somebody else may remove, or make, the file at the same time */

const char *claim_dir(void)
{
	const char *dir = getenv("AYAPROF_LOCK_DIR");

	return dir && *dir ? dir : "/var/lock";
}

/* Its name below /dev, where links lead; all programs must find the same one. */
static bool lock_path(char path[CLAIM_PATH], const char *dir, const char *device)
{
	char real[PATH_MAX], *name = real;
	int n;

	if (!realpath(device, real))
		return false;
	if (!strncmp(real, "/dev/", 5))
		name = real + 5;
	for (char *c = name; *c; c++)
		*c = *c == '/' ? '_' : *c;
	n = snprintf(path, CLAIM_PATH, "%s/LCK..%s", dir, name);
	return n > 0 && n < CLAIM_PATH;
}

/* What a process is called; "" when it is none that this user may see. */
static void process_name(long pid, char name[64])
{
	char path[40], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(text, sizeof(text), f))
			text[strcspn(text, "\n")] = '\0';
		fclose(f);
	}
	text_clean(name, 64, text);
}

static void describe(char *dst, size_t size, long pid)
{
	char name[64];

	process_name(pid, name);
	snprintf(dst, size, "%s (pid %ld)", *name ? name : "a process", pid);
}

/* The process that a lock file names; 0: it is being written, or says nothing. -1: there is no file. */
static long owner_of(const char *path)
{
	char text[16] = "", *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	long pid;

	if (fd < 0)
		return errno == ENOENT ? -1 : 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	errno = 0;
	pid = strtol(text, &end, 10);
	return errno || end == text || pid <= 0 || pid > INT_MAX ? 0 : pid;
}

static bool is_alive(long pid)
{
	return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* Complete from the start: under another name first, which is ours alone. */
static int make_file(const char *path)
{
	char temporary[CLAIM_PATH + 16];
	int fd, err = 0;

	snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%10ld\n", (long)getpid()) < 0 || link(temporary, path) < 0)
		err = -errno;
	close(fd);
	unlink(temporary);
	return err;
}

int claim_take(struct claim *c, const char *dir, const char *device, char holder[CLAIM_HOLDER])
{
	char path[CLAIM_PATH];

	c->path[0] = holder[0] = '\0';
	if (!lock_path(path, dir, device))
		return 0;
	for (int i = 0; i < TRIES; i++) {
		int err = make_file(path);
		long pid;

		if (!err) {
			memcpy(c->path, path, sizeof(c->path));
			return 0;
		}
		if (err != -EEXIST)
			return 0;
		pid = owner_of(path);
		if (pid == getpid())
			return 0;
		if (pid > 0 && is_alive(pid)) {
			describe(holder, CLAIM_HOLDER, pid);
			return -EBUSY;
		}
		/* Of a process that is no more, or of a program that was killed while it wrote. */
		if (pid >= 0 && unlink(path) < 0 && errno != ENOENT)
			return 0;
	}
	return 0;
}

void claim_release(struct claim *c)
{
	if (*c->path && owner_of(c->path) == getpid())
		unlink(c->path);
	c->path[0] = '\0';
}

static bool has_open(long pid, dev_t device)
{
	char path[40];
	struct dirent *d;
	struct stat st;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	fds = opendir(path);
	while (fds && !found && (d = readdir(fds)))
		found = isdigit((unsigned char)*d->d_name) &&
			fstatat(dirfd(fds), d->d_name, &st, 0) == 0 && S_ISCHR(st.st_mode) &&
			st.st_rdev == device;
	if (fds)
		closedir(fds);
	return found;
}

bool claim_holders(const char *device, char *text, size_t size)
{
	struct dirent *d;
	struct stat st;
	size_t at = 0;
	DIR *proc;

	text[0] = '\0';
	if (stat(device, &st) < 0 || !S_ISCHR(st.st_mode))
		return false;
	proc = opendir("/proc");
	while (proc && (d = readdir(proc))) {
		long pid = strtol(d->d_name, NULL, 10);
		char one[CLAIM_HOLDER];

		if (pid <= 0 || pid == getpid() || !has_open(pid, st.st_rdev))
			continue;
		describe(one, sizeof(one), pid);
		if (at + strlen(one) + 3 > size)
			break;
		at += (size_t)snprintf(text + at, size - at, "%s%s", at ? ", " : "", one);
	}
	if (proc)
		closedir(proc);
	return at > 0;
}
