/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Files of others: nothing that waits, nothing that acts, nothing past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/base/foreign_file.h"

static char dir[] = "/tmp/foreign_file.XXXXXX";

static const char *in(const char *name)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make(const char *name, const char *text)
{
	FILE *f = fopen(in(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"file", "fifo", "link", "loop", "short"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in(names[i]));
	return rmdir(dir);
}

static void a_file_is_read(void **state)
{
	struct foreign_file f, same;
	char text[6] = "";

	make("file", "0123456789");
	assert_int_equal(symlink("file", in("link")), 0);
	assert_int_equal(foreign_file_open(&f, in("file")), 0);
	assert_int_equal(f.size, 10);
	assert_int_equal(foreign_file_read(&f, 3, text, 5), 0);
	assert_string_equal(text, "34567");
	assert_int_equal(foreign_file_open(&same, in("link")), 0);
	assert_true(same.dev == f.dev && same.ino == f.ino);
	foreign_file_close(&same);
	foreign_file_close(&f);
	assert_int_equal(f.fd, -1);
}

static void only_regular_files(void **state)
{
	struct foreign_file f;

	/* open() of it would wait for a writer for good */
	assert_int_equal(mkfifo(in("fifo"), 0600), 0);
	alarm(30);
	assert_int_equal(foreign_file_open(&f, in("fifo")), -EINVAL);
	alarm(0);
	assert_int_equal(f.fd, -1);
	assert_int_equal(foreign_file_open(&f, "/dev/null"), -EINVAL);
	assert_int_equal(foreign_file_open(&f, dir), -EISDIR);
	assert_int_equal(symlink("loop", in("loop")), 0);
	assert_int_equal(foreign_file_open(&f, in("loop")), -ELOOP);
	assert_int_equal(foreign_file_open(&f, in("none")), -ENOENT);
	assert_non_null(strstr(foreign_file_why(-EINVAL), "regular"));
}

static void truncated_meanwhile(void **state)
{
	struct foreign_file f;
	char text[4];

	make("short", "0123456789");
	assert_int_equal(foreign_file_open(&f, in("short")), 0);
	assert_int_equal(truncate(in("short"), 5), 0);
	assert_int_equal(foreign_file_read(&f, 0, text, 4), 0);
	assert_int_equal(foreign_file_read(&f, 4, text, 4), -ENODATA);
	assert_int_equal(foreign_file_read(&f, UINT64_MAX - 2, text, 4), -ENODATA);
	foreign_file_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read),
		cmocka_unit_test(only_regular_files),
		cmocka_unit_test(truncated_meanwhile),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
