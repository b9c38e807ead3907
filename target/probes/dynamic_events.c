/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/dynamic_events.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "target/probes/tracefs.h"

/* What closed an event a moment ago may still be at it. */
#define BUSY_TRIES   20
#define BUSY_WAIT_NS 10000000

int dynamic_events_command(int file, const char *line, size_t n)
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
static void remove_stale(const char *file_name, int file)
{
	FILE *f = tracefs_open(file_name), *todo;
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
		dynamic_events_command(file, at, (size_t)(end + 1 - at));
	free(text);
}

int dynamic_events_open(const char *file_name, char group[DYNAMIC_GROUP])
{
	int dir = tracefs_dir(), file;

	snprintf(group, DYNAMIC_GROUP, "ayaprof_%u_%d", pid_namespace(), (int)getpid());
	if (dir < 0)
		return dir;
	/* Opening it with O_TRUNC would remove everybody's events. */
	file = openat(dir, file_name, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (file < 0)
		return -errno;
	remove_stale(file_name, file);
	return file;
}
