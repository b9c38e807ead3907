/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/options/option_values.h"
#include "target/options/options.h"
#include "target/base/parse.h"

#define MAX_ARGS 40

/* Parse a command line given as words; stderr is caught in `said`. */
static char said[4096];

static enum options_result parse(struct options *o, const char *const *words)
{
	static char *argv[MAX_ARGS + 2]; /* the config keeps a pointer to the command in it */
	char path[] = "/tmp/test-options-XXXXXX";
	int fd = mkstemp(path), before = dup(STDERR_FILENO), argc = 1;
	enum options_result result;
	ssize_t n;

	argv[0] = (char *)"ayaprof-uart";
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	argv[argc] = NULL;
	dup2(fd, STDERR_FILENO);
	result = options_read(o, argc, argv);
	dup2(before, STDERR_FILENO);
	close(before);
	n = pread(fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(fd);
	unlink(path);
	return result;
}

#define PARSE(o, ...) parse(o, (const char *const[]){__VA_ARGS__, NULL})

static void write_bytes(char *path, const char *bytes, size_t n)
{
	int fd = mkstemp(path);

	assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

/* As editors of other systems write them. */
static void foreign_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *refused; /* NULL: it reads, the duration is 7 */
	} files[] = {
#define BYTES(text) text, sizeof(text) - 1
		{BYTES("\xef\xbb\xbf"
		       "duration = 7\n"),
			NULL},
		{BYTES("\xef\xbb\xbf# comment\r\nduration = 7\r\n"), NULL},
		{BYTES("duration = 7\r\nmode = log\r\n"), NULL},
		{BYTES("mode = log\nduration = 7"), NULL},
		{BYTES("\xef\xbb\xbf"), ""},
		{BYTES("duration = 7\0\n"), "NUL"},
		{BYTES("duration = \0 7\n"), "NUL"},
		{BYTES("# comment \0\nduration = 7\n"), "NUL"},
		{BYTES("\xff\xfe"
		       "d\0u\0"),
			"UTF-16"},
		{BYTES("duration = 7\rmode = log\r"), "carriage return"},
#undef BYTES
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[] = "/tmp/test-options-XXXXXX";
		struct options o;
		bool reads = !files[i].refused || !*files[i].refused;

		write_bytes(path, files[i].bytes, files[i].n);
		assert_int_equal(PARSE(&o, "-c", path, "tty"), reads ? OPTIONS_RUN : OPTIONS_USAGE);
		if (!files[i].refused)
			assert_true(o.config.duration_s == 7);
		if (!reads)
			assert_non_null(strstr(said, files[i].refused));
		options_free(&o);
		unlink(path);
	}
	{
		struct options o;

		/* Endless, and without a line. */
		assert_int_equal(PARSE(&o, "-c", "/dev/zero", "tty"), OPTIONS_USAGE);
		options_free(&o);
	}
}

static void defaults(void **state)
{
	struct options o;
	const struct config *c = &o.config;

	assert_int_equal(PARSE(&o, "/dev/ttyS1"), OPTIONS_RUN);
	assert_string_equal(said, "");
	assert_string_equal(c->tty, "/dev/ttyS1");
	assert_int_equal(c->baud, 115200);
	assert_false(c->rtscts);
	assert_int_equal(c->link, LINKMODE_AUTO);
	assert_int_equal(c->mode, MODE_UART);
	assert_string_equal(c->output_file, "ayaprof.pb");
	assert_string_equal(c->listen_addr, "127.0.0.1");
	assert_int_equal(c->listen_port, 5555);
	assert_int_equal(c->n_modules, 0);
	assert_false(c->no_modules);
	assert_int_equal(c->interval_ms, 100);
	assert_int_equal(c->resolution_ns, 0);
	assert_true(c->spool_mem >= 64u << 10 && c->spool_mem <= 4u << 20);
	assert_int_equal(c->ring_bytes & (c->ring_bytes - 1), 0);
	assert_true(c->ring_bytes > 0 && c->ring_bytes <= 4u << 20);
	assert_null(c->command);
	assert_false(c->quiet_console);
	assert_int_equal(c->kmsg, KMSG_OFF);
	options_free(&o);
}

/* Neither takes more than 1/32 of a board's memory unless told to. */
static void memory_shares(void **state)
{
	static const struct {
		uint64_t memory;
		size_t ring, spool;
	} rows[] = {
		{0, 4u << 20, 4u << 20}, /* not known */
		{1u << 20, 64u << 10, 64u << 10},
		{8u << 20, 256u << 10, 256u << 10},
		{24u << 20, 512u << 10, 768u << 10},
		{50u << 20, 1u << 20, 1638400},
		{64u << 20, 2u << 20, 2u << 20},
		{128u << 20, 4u << 20, 4u << 20},
		{64ull << 30, 4u << 20, 4u << 20},
	};
	struct options o;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(default_ring_bytes(rows[i].memory), rows[i].ring);
		assert_int_equal(default_spool_bytes(rows[i].memory), rows[i].spool);
	}
	assert_int_equal(default_memory_table(0), 24u << 20);
	assert_int_equal(default_memory_table(64u << 20), 1u << 20);
	assert_int_equal(default_memory_table(4u << 20), 96u << 10);
	assert_int_equal(default_memory_table(64ull << 30), 24u << 20);
	assert_int_equal(PARSE(&o, "--memory-table", "2M", "tty"), OPTIONS_RUN);
	assert_int_equal(o.config.mem_table_bytes, 2u << 20);
	options_free(&o);
	assert_int_equal(PARSE(&o, "--spool-mem", "64M", "--ring-size", "32M", "tty"), OPTIONS_RUN);
	assert_int_equal(o.config.spool_mem, 64u << 20);
	assert_int_equal(o.config.ring_bytes, 32u << 20);
	options_free(&o);
}

static void everything_at_once(void **state)
{
	struct options o;
	const struct config *c = &o.config;

	assert_int_equal(PARSE(&o, "-b", "921600", "--flow=rtscts", "tty", "-p", "k:vfs_*",
				 "--probe", "u:/bin/x:ns::f*", "-pt:net:*", "-d2.5", "-M", "none",
				 "--spool-mem=1M", "--btf", "dir", "--", "cmd", "-b"),
		OPTIONS_RUN);
	assert_int_equal(c->baud, 921600);
	assert_true(c->rtscts);
	assert_string_equal(c->tty, "tty");
	assert_int_equal(c->n_probes, 3);
	assert_int_equal(c->probes[0].type, SPEC_KERNEL);
	assert_null(c->probes[0].path);
	assert_string_equal(c->probes[0].glob, "vfs_*");
	assert_int_equal(c->probes[1].type, SPEC_USER);
	assert_string_equal(c->probes[1].path, "/bin/x");
	assert_string_equal(c->probes[1].glob, "ns::f*");
	assert_string_equal(c->probes[1].text, "u:/bin/x:ns::f*");
	assert_int_equal(c->probes[2].type, SPEC_TRACEPOINT);
	assert_string_equal(c->probes[2].path, "net");
	assert_true(c->duration_s == 2.5);
	assert_true(c->no_modules);
	assert_int_equal(c->spool_mem, 1u << 20);
	assert_string_equal(c->btf, "dir");
	assert_string_equal(c->command[0], "cmd");
	assert_string_equal(c->command[1], "-b");
	assert_null(c->command[2]);
	options_free(&o);
}

static void modules_are_lists(void **state)
{
	struct options o;

	assert_int_equal(PARSE(&o, "tty", "-M", "syscall,sched", "-M", "irq"), OPTIONS_RUN);
	assert_int_equal(o.config.n_modules, 3);
	assert_string_equal(o.config.modules[0], "syscall");
	assert_string_equal(o.config.modules[2], "irq");
	options_free(&o);
}

static void listen_addresses(void **state)
{
	struct options o;

	assert_int_equal(PARSE(&o, "--mode", "serve", "-l", "7000"), OPTIONS_RUN);
	assert_string_equal(o.config.listen_addr, "127.0.0.1");
	assert_int_equal(o.config.listen_port, 7000);
	options_free(&o);
	assert_int_equal(PARSE(&o, "--mode", "serve", "-l", "[::1]:7001"), OPTIONS_RUN);
	assert_string_equal(o.config.listen_addr, "::1");
	assert_int_equal(o.config.listen_port, 7001);
	options_free(&o);
}

/* Wrong usage: refused with one line that contains the hint. */
static const struct {
	const char *words[6];
	const char *hint;
} wrong[] = {
	{{"--baud"}, "needs a value"},
	{{"tty", "-b", "12x"}, "not a whole number"},
	{{"tty", "-b", "-5"}, "not a whole number"},
	{{"tty", "-b", "0"}, "must be from"},
	{{"tty", "-b", "99999999999999999999"}, "must be from"},
	{{"tty", "--frobnicate"}, "no such option"},
	{{"tty", "tty2"}, "only one TTY"},
	{{"tty", "--"}, "must be followed"},
	{{"--mode", "uart"}, "no TTY given"},
	{{"--mode", "fax"}, "uart, log, serve, both, auto"},
	{{"tty", "--spool-file", "x"}, "not yet"},
	{{"tty", "--spool-mem", "1X"}, "not a size"},
	{{"tty", "--spool-mem", "1K"}, "must be from"},
	{{"tty", "-M", "no-such-module"}, "--list-modules"},
	{{"tty", "-M", "none"}, "nothing to trace"},
	{{"tty", "-M", "none,syscall"}, "cannot be combined"},
	{{"tty", "-M", "syscall,,irq"}, "empty name"},
	{{"tty", "--mechanism", "magic"}, "no mechanism"},
	{{"tty", "--return-slots", "0"}, "must be from"},
	{{"tty", "-p", "x:y"}, "expected k:GLOB"},
	{{"tty", "-p", "u:/bin/x"}, "u:PATH:GLOB"},
	{{"tty", "-p", "k:"}, "k:GLOB"},
	{{"tty", "-d", "soon"}, "expected seconds"},
	{{"tty", "-d", "-1"}, "expected seconds"},
	{{"tty", "-d", "inf"}, "expected seconds"},
	{{"tty", "-l", "5555:"}, "[ADDR:]PORT"},
	{{"tty", "-l", "70000"}, "from 1 to 65535"},
	{{"tty", "--names", "x"}, "--replay"},
	{{"tty", "--replay-rate", "max"}, "--replay"},
	{{"tty", "--replay", "x", "-M", "syscall"}, "exclude each other"},
	{{"tty", "--replay", "x", "--", "cmd"}, "exclude each other"},
	{{"tty", "-c", "/nonexistent/file"}, "check -c"},
	{{"tty", "-o", ""}, "must not be empty"},
};

static void wrong_usage(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct options o;
		const char *newline;

		if (parse(&o, wrong[i].words) != OPTIONS_USAGE)
			fail_msg("accepted: %s %s", wrong[i].words[0], wrong[i].words[1]);
		if (!strstr(said, wrong[i].hint))
			fail_msg("no \"%s\" in: %s", wrong[i].hint, said);
		newline = strchr(said, '\n');
		assert_non_null(newline);
		assert_int_equal(newline[1], '\0');
		options_free(&o);
	}
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void file_and_command_line(void **state)
{
	char path[] = "/tmp/test-options-XXXXXX";
	struct options o;

	write_file(path,
		"# a board\n\n[line]\ntty = /dev/ttyS3\nbaud=9600\t# slow\n"
		"output-file = \"a # b.pb\"\nprobe = k:tcp_*\nprobe = k:udp_*\nmodule = syscall\n"
		"quiet-console = yes\nkmsg = all\n");
	assert_int_equal(PARSE(&o, "-c", path), OPTIONS_RUN);
	assert_string_equal(o.config.tty, "/dev/ttyS3");
	assert_int_equal(o.config.baud, 9600);
	assert_string_equal(o.config.output_file, "a # b.pb");
	assert_int_equal(o.config.n_probes, 2);
	assert_true(o.config.quiet_console);
	assert_int_equal(o.config.kmsg, KMSG_ALL);
	assert_string_equal(o.config.probes[1].glob, "udp_*");
	options_free(&o);
	/* The command line wins, wherever -c stands; lists are replaced, not mixed. */
	assert_int_equal(PARSE(&o, "-b", "300", "-c", path, "-p", "k:x", "tty"), OPTIONS_RUN);
	assert_string_equal(o.config.tty, "tty");
	assert_int_equal(o.config.baud, 300);
	assert_int_equal(o.config.n_probes, 1);
	assert_true(o.config.quiet_console);
	assert_string_equal(o.config.modules[0], "syscall");
	options_free(&o);
	unlink(path);
}

static void file_errors_name_the_line(void **state)
{
	static const struct {
		const char *text, *hint;
	} files[] = {
		{"baud = 1\n", ":1: baud"},
		{"\n# x\nbaud 9600\n", ":3: baud 9600: expected option = value"},
		{"quiet-console = 1\n", ":1: quiet-console"},
		{"nonsense = 1\n", ":1: nonsense: no such option"},
		{"flow = none\ncheck = 1\n", ":2: check: this option is for the command line only"},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[] = "/tmp/test-options-XXXXXX";
		struct options o;

		write_file(path, files[i].text);
		assert_int_equal(PARSE(&o, "tty", "-c", path), OPTIONS_USAGE);
		if (!strstr(said, files[i].hint) || !strstr(said, path))
			fail_msg("no \"%s\" in: %s", files[i].hint, said);
		options_free(&o);
		unlink(path);
	}
}

static void sizes(void **state)
{
	uint64_t v;

	assert_int_equal(parse_size("64", 0, UINT64_MAX, &v), 0);
	assert_int_equal(v, 64);
	assert_int_equal(parse_size("3k", 0, UINT64_MAX, &v), 0);
	assert_int_equal(v, 3072);
	assert_int_equal(parse_size("2MiB", 0, UINT64_MAX, &v), 0);
	assert_int_equal(v, 2u << 20);
	assert_int_equal(parse_size("1GB", 0, UINT64_MAX, &v), 0);
	assert_int_equal(v, 1u << 30);
	assert_int_equal(parse_size("17179869184G", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(parse_size("M", 0, UINT64_MAX, &v), -EINVAL);
	assert_int_equal(parse_size("1iB", 0, UINT64_MAX, &v), -EINVAL);
	assert_int_equal(parse_size(" 1", 0, UINT64_MAX, &v), -EINVAL);
}

/* Every option can be asked for by its name, and no two share a letter. */
static void table_is_sound(void **state)
{
	bool letters[256] = {false};
	size_t n = 0;

	for (const struct option_row *row = option_rows; row->name; row++, n++) {
		assert_int_equal(option_index(row->name), n);
		assert_non_null(row->set);
		assert_non_null(row->help);
		if (row->letter) {
			assert_false(letters[(unsigned char)row->letter]);
			letters[(unsigned char)row->letter] = true;
		}
	}
	assert_non_null(option_rows[0].group);
}

/* A console belongs to others: its rate stays, and nobody is listened to, unless asked for. */
static void text_framing(void **state)
{
	struct options o;

	assert_int_equal(PARSE(&o, "tty"), OPTIONS_RUN);
	assert_int_equal(o.config.framing, FRAMING_BINARY);
	assert_int_equal(o.config.link, LINKMODE_AUTO);
	options_free(&o);
	assert_int_equal(PARSE(&o, "tty", "--framing", "text"), OPTIONS_RUN);
	assert_int_equal(o.config.framing, FRAMING_TEXT);
	assert_int_equal(o.config.link, LINKMODE_ONEWAY);
	assert_int_equal(o.config.baud, 0);
	options_free(&o);
	assert_int_equal(PARSE(&o, "tty", "--framing", "text", "-b", "115200"), OPTIONS_RUN);
	assert_int_equal(o.config.baud, 115200);
	options_free(&o);
	assert_int_equal(PARSE(&o, "tty", "--framing", "text", "--link", "reliable"), OPTIONS_RUN);
	assert_int_equal(o.config.link, LINKMODE_RELIABLE);
	assert_int_equal(o.config.baud, 115200);
	options_free(&o);
	assert_int_equal(
		PARSE(&o, "tty", "--framing", "text", "--frame-bytes", "3000"), OPTIONS_USAGE);
	assert_non_null(strstr(said, "2300"));
	options_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(foreign_files),
		cmocka_unit_test(memory_shares),
		cmocka_unit_test(everything_at_once),
		cmocka_unit_test(modules_are_lists),
		cmocka_unit_test(listen_addresses),
		cmocka_unit_test(wrong_usage),
		cmocka_unit_test(text_framing),
		cmocka_unit_test(file_and_command_line),
		cmocka_unit_test(file_errors_name_the_line),
		cmocka_unit_test(sizes),
		cmocka_unit_test(table_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
