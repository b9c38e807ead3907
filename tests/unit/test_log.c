/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a peer can make the daemon say is bounded, and nobody who does not read stderr holds it up. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/base/clock.h"
#include "target/base/log.h"

static int ends[2], saved;

static int capture(void **state)
{
	saved = dup(STDERR_FILENO);
	return pipe(ends) || dup2(ends[1], STDERR_FILENO) < 0 ||
	       fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0;
}

static int release(void **state)
{
	dup2(saved, STDERR_FILENO);
	return close(saved) || close(ends[0]) || close(ends[1]);
}

static char text[1 << 20];

/* What is in the pipe, as lines: how many. */
static unsigned int take(void)
{
	size_t len = 0;
	unsigned int lines = 0;
	ssize_t n;

	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

static void connect_once(unsigned int number)
{
	log_note("peer %u has connected", number);
}

static void a_flood_is_some_lines_and_a_sum(void **state)
{
	uint64_t later = now_ns() + 2 * NS_PER_S;
	unsigned int said;

	for (unsigned int i = 1; i <= 1000; i++)
		connect_once(i);
	said = take();
	assert_in_range(said, 5, 50);
	assert_non_null(strstr(text, "ayaprof-uart: peer 1 has connected\n"));
	log_warn("something else");
	assert_int_equal(take(), 1); /* not held back by the flood */
	log_tick(later);
	assert_int_equal(take(), 1);
	assert_non_null(strstr(text, "peer 1000 has connected (and 979 more like it)\n"));
}

static void a_flood_that_goes_on_is_a_line_a_minute(void **state)
{
	for (unsigned int i = 0; i < 1000; i++)
		connect_once(i);
	assert_int_equal(take(), 0);
	log_flush();
	assert_int_equal(take(), 1);
	assert_non_null(strstr(text, "(and 999 more like it)"));
}

static void a_list_is_whole_with_details(void **state)
{
	log_set_verbosity(1);
	for (unsigned int i = 0; i < 300; i++)
		log_detail("entry %u", i);
	log_set_verbosity(0);
	assert_int_equal(take(), 300);
}

static void nobody_reads(void **state)
{
	log_set_verbosity(1);
	/* Far more than a pipe holds: would block for ever. */
	for (unsigned int i = 0; i < 2000; i++)
		log_detail("%0200u", i);
	take();
	log_warn("read again");
	assert_int_equal(take(), 2);
	log_set_verbosity(0);
	assert_non_null(strstr(text, "lines are missing here: nobody read them\nayaprof-uart: "
				     "warning: read again\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_is_some_lines_and_a_sum),
		cmocka_unit_test(a_flood_that_goes_on_is_a_line_a_minute),
		cmocka_unit_test(a_list_is_whole_with_details),
		cmocka_unit_test(nobody_reads),
	};

	return cmocka_run_group_tests_name("log", tests, capture, release);
}
