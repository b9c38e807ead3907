/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/command.h"

#include <assert.h>
#include <string.h>

static const struct row {
	struct ayp_command_info info;
	pb_size_t tag;
	size_t at, size; /* of the member */
} rows[AYP_COMMANDS] = {
#define READY false
#define LATER true
#define ROW(name, member, words, arg, arg_name, when, help)                                        \
	[AYP_COMMAND_##name] = {{words, AYP_COMMAND_##arg, arg_name, when, help},                  \
		ayaprof_Control_##member##_tag, offsetof(ayaprof_Control, command.member),         \
		sizeof(((ayaprof_Control *)0)->command.member)},
	AYP_COMMAND_LIST(ROW)
#undef ROW
#undef READY
#undef LATER
};

const struct ayp_command_info *ayp_command_info(enum ayp_command command)
{
	assert(command < AYP_COMMANDS);
	return &rows[command].info;
}

static int set_rate(uint32_t *rate, const char *text)
{
	uint32_t n = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = 10 * n + (uint32_t)(*text - '0');
		if (n > AYP_COMMAND_RATE_MAX)
			return -1;
	}
	*rate = n;
	return n ? 0 : -1;
}

static int set_argument(const struct row *r, const char *text, ayaprof_Control *msg)
{
	char *member = (char *)msg + r->at;
	size_t n = strlen(text);
	bool yes = true;

	switch (r->info.arg) {
	case AYP_COMMAND_RATE:
		return set_rate((uint32_t *)(void *)member, text);
	case AYP_COMMAND_TEXT:
		if (!n || n >= r->size)
			return -1;
		memcpy(member, text, n + 1);
		return 0;
	case AYP_COMMAND_PLAIN:
	default:
		memcpy(member, &yes, sizeof(yes));
		return 0;
	}
}

/* What follows the words of a command; NULL: it is another one. */
static const char *after_words(const struct row *r, const char *text)
{
	size_t n = strlen(r->info.words);

	if (strncmp(text, r->info.words, n) != 0)
		return NULL;
	if (r->info.arg == AYP_COMMAND_PLAIN)
		return text[n] ? NULL : text + n;
	return text[n] == ' ' ? text + n + 1 : NULL;
}

int ayp_command_parse(const char *text, ayaprof_Control *msg)
{
	memset(msg, 0, sizeof(*msg));
	for (size_t i = 0; i < AYP_COMMANDS; i++) {
		const char *argument = after_words(&rows[i], text);

		if (!argument)
			continue;
		msg->which_command = rows[i].tag;
		return set_argument(&rows[i], argument, msg);
	}
	return -1;
}

enum ayp_command ayp_command_of(const ayaprof_Control *msg)
{
	unsigned int i = 0;

	while (i < AYP_COMMANDS && rows[i].tag != msg->which_command)
		i++;
	return (enum ayp_command)i;
}
