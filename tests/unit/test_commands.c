/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The commands to a board: what users write is what the board is given. */
#include "proto/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_command_is_read_as_itself(void **state)
{
	for (unsigned int i = 0; i < AYP_COMMANDS; i++) {
		const struct ayp_command_info *info = ayp_command_info((enum ayp_command)i);
		const char *argument = info->arg == AYP_COMMAND_RATE   ? " 115200"
				       : info->arg == AYP_COMMAND_TEXT ? " k:vfs_*"
								       : "";
		ayaprof_Control msg;
		char text[64];

		snprintf(text, sizeof(text), "%s%s", info->words, argument);
		assert_int_equal(ayp_command_parse(text, &msg), 0);
		assert_int_equal(ayp_command_of(&msg), i);
		assert_int_equal(!*info->arg_name, info->arg == AYP_COMMAND_PLAIN);
		/* With an argument too many, or without one. */
		snprintf(text, sizeof(text), "%s%s", info->words, *argument ? "" : " 1");
		assert_int_equal(ayp_command_parse(text, &msg), -1);
	}
}

static void arguments_arrive(void **state)
{
	ayaprof_Control msg;
	char text[sizeof(msg.command.probe_add) + 16] = "probe add ";

	assert_int_equal(ayp_command_parse("baud 3000000", &msg), 0);
	assert_int_equal(msg.which_command, ayaprof_Control_baud_tag);
	assert_int_equal(msg.command.baud, 3000000);
	assert_int_equal(ayp_command_parse("probe remove u:ls:main x", &msg), 0);
	assert_string_equal(msg.command.probe_remove, "u:ls:main x");
	assert_int_equal(ayp_command_parse("stop", &msg), 0);
	assert_int_equal(msg.which_command, ayaprof_Control_stop_tag);
	assert_true(msg.command.stop);

	/* The longest that its field takes, and one more. */
	memset(text + 10, 'a', sizeof(msg.command.probe_add) - 1);
	assert_int_equal(ayp_command_parse(text, &msg), 0);
	text[strlen(text)] = 'a';
	assert_int_equal(ayp_command_parse(text, &msg), -1);
}

static void what_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {"", " ", "dance", "statu", "status ", "baud", "baud ",
		"baud 0", "baud -1", "baud 1e6", "baud 100000001", "baud 4294967396", "baud  9600",
		"probe", "probe add", "probe add ", "PAUSE"};
	ayaprof_Control msg = {.which_command = 1000};

	assert_int_equal(ayp_command_of(&msg), AYP_COMMANDS);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(ayp_command_parse(wrong[i], &msg), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_read_as_itself),
		cmocka_unit_test(arguments_arrive),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
