/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/setup/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target/setup/guard.h"
#include "target/base/log.h"

#define EMERGENCIES_ONLY 1

static int read_level(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	char text[64], *end;
	ssize_t n;
	long level;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[n] = '\0';
	level = strtol(text, &end, 10);
	return end == text || level < 0 || level > 255 ? -EINVAL : (int)level;
}

/* Four numbers stand there; a write of one changes the first only. */
static int write_level(const char *path, int level)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", level);
	int fd = open(path, O_WRONLY | O_CLOEXEC), err;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, (size_t)len);
	err = n < 0 ? -errno : n < len ? -EIO : 0;
	close(fd);
	return err;
}

int console_quiet(struct console *c, const char *path)
{
	int level = read_level(path), err;

	c->path = path;
	c->before = level;
	err = level < 0 ? level : 0;
	if (!err && level > EMERGENCIES_ONLY) {
		c->guard = guard_number(path, level, EMERGENCIES_ONLY);
		err = write_level(path, EMERGENCIES_ONLY);
		c->set = !err;
		if (err)
			guard_done(c->guard);
	}
	if (err) {
		log_error("cannot keep kernel messages off the console (%s): %s; %s", path,
			strerror(-err),
			err == -EACCES || err == -EPERM
				? "run as root, or without --quiet-console"
				: "leave --quiet-console out, and use dmesg -n 1 if the board has "
				  "it");
		return err;
	}
	if (c->set)
		log_detail("console log level %d, was %d", EMERGENCIES_ONLY, level);
	else
		log_detail("console log level is %d already", level);
	return 0;
}

void console_restore(struct console *c)
{
	int err;

	if (!c->set)
		return;
	c->set = false;
	if (read_level(c->path) != EMERGENCIES_ONLY) {
		log_detail("console log level is not what it was set to: left alone");
		guard_done(c->guard);
		return;
	}
	err = write_level(c->path, c->before);
	guard_done(c->guard);
	if (err)
		log_warn("cannot set the console log level back to %d: %s; echo %d > %s", c->before,
			strerror(-err), c->before, c->path);
	else
		log_detail("console log level %d again", c->before);
}
