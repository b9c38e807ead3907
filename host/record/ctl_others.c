/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/ctl_others.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/clean.h"

#define COMMAND_MAX 4096u

/* /proc/PID/NAME, at most size - 1 bytes, terminated. 0: it could not be read. */
static size_t read_of(const char *pid, const char *name, char *data, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, data, size - 1);
		close(fd);
	}
	data[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static bool same_port(const char *a, const char *b)
{
	struct stat sa, sb;

	if (!strcmp(a, b))
		return true;
	return !stat(a, &sa) && !stat(b, &sb) &&
	       (S_ISCHR(sa.st_mode) && S_ISCHR(sb.st_mode)
			       ? sa.st_rdev == sb.st_rdev
			       : sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

/* Is a port among the words of a command line, and this one? --port PORT, --port=PORT, -p PORT, -pPORT. */
static bool records(const char *words, size_t len, const char *port)
{
	const char *end = words + len;

	for (const char *w = words; w < end; w += strlen(w) + 1) {
		const char *value = !strncmp(w, "--port=", 7)      ? w + 7
				    : !strncmp(w, "-p", 2) && w[2] ? w + 2
								   : NULL;

		if ((!strcmp(w, "--port") || !strcmp(w, "-p")) && w + strlen(w) + 1 < end)
			value = w + strlen(w) + 1;
		if (value)
			return !*port || same_port(port, value);
	}
	return false;
}

static bool is_of_others(const char *pid, const char *port, uid_t *uid)
{
	char comm[32], words[COMMAND_MAX], path[64];
	struct stat st;
	size_t len;

	if (!read_of(pid, "comm", comm, sizeof(comm)) || strcmp(comm, "hostdec\n"))
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s", pid);
	if (stat(path, &st) || st.st_uid == geteuid())
		return false;
	*uid = st.st_uid;
	len = read_of(pid, "cmdline", words, sizeof(words));
	/* `hostdec ctl --port` is somebody who asks, too. */
	if (!len || (strlen(words) + 1 < len && !strcmp(words + strlen(words) + 1, "ctl")))
		return false;
	return records(words, len, port);
}

bool ctl_others(const char *port, char *text, size_t size)
{
	DIR *d = opendir("/proc");
	struct dirent *entry;
	bool found = false;
	uid_t uid;

	while (d && !found && (entry = readdir(d)) != NULL) {
		struct passwd *user;
		char name[64];

		if (*entry->d_name < '1' || *entry->d_name > '9' ||
			!is_of_others(entry->d_name, port, &uid))
			continue;
		user = getpwuid(uid);
		if (user)
			text_clean(name, sizeof(name), user->pw_name);
		else
			snprintf(name, sizeof(name), "%u", (unsigned int)uid);
		snprintf(text, size, "hostdec (pid %.20s) of user %s", entry->d_name, name);
		found = true;
	}
	if (d)
		closedir(d);
	return found;
}
