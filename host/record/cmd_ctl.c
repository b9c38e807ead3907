/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/base/cli.h"
#include "host/base/say.h"
#include "host/base/text.h"
#include "host/commands.h"
#include "host/record/ctl_others.h"
#include "host/record/ctl_server.h"
#include "proto/command.h"

#define ANSWER_MS 8000

enum { OPT_PORT };

static const struct cli_option options[] = {
	[OPT_PORT] = {'p', "port", "PORT",
		"the line of the recording that is meant, as given to hostdec record"},
};

static const struct cli_spec spec = {
	.usage = "ctl [--port PORT] COMMAND",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
	.more = "exit status: 0 done, 1 refused or no answer, 2 wrong usage",
};

/* Connect to one recording; -1: it is none any more. */
static int connect_to(const char *directory, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%.80s/%.20s", directory, name);

	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	if (fd >= 0 && errno == ECONNREFUSED)
		unlink(addr.sun_path); /* its process was killed */
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Send the request, read the line that answers. Its length, or -1. */
static ssize_t exchange(int fd, const char *port, const char *command, char *answer, size_t size)
{
	char request[CTL_REQUEST_MAX];
	int n = snprintf(request, sizeof(request), "%s\n%s\n", port, command);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t got;

	if (n < 0 || (size_t)n >= sizeof(request) ||
		send(fd, request, (size_t)n, MSG_NOSIGNAL) != n || poll(&p, 1, ANSWER_MS) <= 0)
		return -1;
	got = recv(fd, answer, size - 1, 0);
	if (got <= 0)
		return -1;
	answer[got] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	return got;
}

static int show(const char *answer)
{
	char *text, clean[CTL_REQUEST_MAX];
	long result = strtol(answer, &text, 10);

	text_clean(clean, sizeof(clean), *text == ' ' ? text + 1 : text);
	if (result == 0) {
		printf("%s\n", *clean ? clean : "done");
		return EXIT_OK;
	}
	say("%s", *clean ? clean : strerror((int)-result));
	return result == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

/* Ask every recording of ours that has the line; exactly one must. */
static int ask(const char *port, const char *command)
{
	char directory[CTL_PATH_MAX], answer[CTL_REQUEST_MAX], found[CTL_REQUEST_MAX] = "";
	int names = 0, heard = 0;
	struct dirent *entry;
	DIR *d = ctl_directory(directory, sizeof(directory), false) ? NULL : opendir(directory);
	char name[32] = "", other[128];

	while (d && (entry = readdir(d)) != NULL) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = connect_to(directory, entry->d_name);
		if (fd < 0)
			continue;
		/* With a port only the one that has it obeys; without, it must be the only one. */
		if (*port && exchange(fd, port, command, answer, sizeof(answer)) > 0 &&
			strncmp(answer, "1 ", 2) != 0) {
			heard++;
			memcpy(found, answer, sizeof(found));
		}
		close(fd);
		names++;
		snprintf(name, sizeof(name), "%.30s", entry->d_name);
	}
	if (d)
		closedir(d);
	if (!*port && names == 1) {
		int fd = connect_to(directory, name);

		heard = fd >= 0 && exchange(fd, "", command, found, sizeof(found)) > 0;
		if (fd >= 0)
			close(fd);
	}
	if (heard)
		return show(found);
	if ((*port || !names) && ctl_others(port, other, sizeof(other)))
		say("%s is recorded by %s: only that user can ask it", *port ? port : "a line",
			other);
	else if (!*port && names > 1)
		say("%d recordings are being made: say which with --port", names);
	else if (names && !*port)
		say("the recording does not answer");
	else
		say("no hostdec is recording%s%s here: start it first, then ask again",
			*port ? " " : "", port);
	return EXIT_FAILED;
}

/* What the board can be asked for, as proto/command.h has it. */
static const char *about(char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size,
		"Talk to the board through the hostdec that is recording it.\n\ncommands:");
	char left[32];

	for (unsigned int i = 0; i < AYP_COMMANDS && n < size; i++) {
		const struct ayp_command_info *info = ayp_command_info((enum ayp_command)i);

		snprintf(left, sizeof(left), "%s%s%s", info->words, *info->arg_name ? " " : "",
			info->arg_name);
		n += (size_t)snprintf(text + n, size - n, "\n  %-20s %s%s", left, info->help,
			info->later ? " (not on boards of this version)" : "");
	}
	return text;
}

int cmd_ctl(int argc, char **argv)
{
	struct cli_spec with_commands = spec;
	char command[CTL_REQUEST_MAX / 2] = "";
	const char *port = "";
	ayaprof_Control msg;
	char text[1024];
	struct cli c;
	int got;

	with_commands.about = about(text, sizeof(text));
	cli_begin(&c, &with_commands, argc, argv);
	while ((got = cli_next(&c)) != CLI_END) {
		size_t n = strlen(command);

		if (got == CLI_HELP)
			return EXIT_OK;
		if (got == OPT_PORT)
			port = c.value;
		else if (got == CLI_POSITIONAL)
			snprintf(command + n, sizeof(command) - n, "%s%s", n ? " " : "", c.value);
		else
			return EXIT_USAGE;
	}
	if (!*command) {
		cli_error(&c, "which command? status, stop or baud N");
		return EXIT_USAGE;
	}
	if (ayp_command_parse(command, &msg)) {
		cli_error(&c, "there is no such command, or its argument is wrong: %s", command);
		return EXIT_USAGE;
	}
	return ask(port, command);
}
