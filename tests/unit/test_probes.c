/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The running kernel as a source: known workloads in prime numbers, and books that balance. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/probes/elf_symbols.h"
#include "target/probes/function_target.h"
#include "target/probes/intern.h"
#include "target/probes/own_code.h"
#include "target/source/source.h"

#define CALLS    1009
#define MANY     10007
#define FORKS    23
#define NO_MATCH "no_such_function_anywhere"

struct seen {
	struct names *names;
	struct source *source;
	pid_t child;
	uint64_t events, of_self, by_kind[65536][3], of_child[65536][3];
	char last_comm[32]; /* of the thread that made the newest event */
};

__attribute__((noinline)) void probed_function(void);
void probed_function(void)
{
	__asm__ volatile("");
}

static uint32_t own_tid;

static void on_event(void *ctx, const struct ayp_event *ev)
{
	struct seen *s = ctx;
	const struct name *task = names_get(s->names, ayaprof_Table_TABLE_TASK, ev->tid);

	s->events++;
	/* No system call here: whoever else traces them would answer with events of its own, for ever. */
	s->of_self += ev->tid == own_tid;
	s->by_kind[ev->func][ev->kind]++;
	s->of_child[ev->func][ev->kind] += ev->tid == (uint32_t)s->child;
	snprintf(s->last_comm, sizeof(s->last_comm), "%s", task ? task->text : "");
}

static void on_stack(void *ctx, const ayaprof_Stack *stack)
{
}

static struct seen *seen_new(const struct config *cfg)
{
	static struct source_sink sink = {.event = on_event, .stack = on_stack};
	struct seen *s = calloc(1, sizeof(*s));

	sink.ctx = s;
	s->names = names_new();
	s->source = probes_source_new(cfg, s->names, &sink);
	assert_non_null(s->source);
	return s;
}

static void seen_free(struct seen *s)
{
	s->source->ops->free(s->source);
	names_free(s->names);
	free(s);
}

/* All there is; at most so many rounds, for on a busy machine more comes than can be taken. */
static void take(struct seen *s, unsigned int rounds)
{
	while (rounds-- && s->source->ops->consume(s->source, 1000, 0) > 0)
		;
}

/* Run `work` in a child while the probes are live. consume_early: as the daemon does, all the time.
 */
static void profile(struct seen *s, void (*work)(void), bool consume_early)
{
	struct timespec nap = {0, 1000000};
	int status;
	pid_t pid;

	assert_int_equal(s->source->ops->start(s->source), 0);
	assert_int_equal(s->source->ops->activate(s->source), 0);
	pid = fork();
	if (!pid) {
		work();
		_exit(0);
	}
	s->child = pid;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (consume_early)
			take(s, 100);
		nanosleep(&nap, NULL);
	}
	s->source->ops->deactivate(s->source);
	take(s, UINT_MAX);
}

static uint64_t losses(struct seen *s)
{
	struct source_loss rows[64];
	size_t n = s->source->ops->losses(s->source, rows, 64);
	uint64_t sum = 0;

	while (n)
		sum += rows[--n].count;
	return sum;
}

static uint32_t func_by_name(const struct seen *s, const char *text)
{
	uint32_t id;

	for (id = 0; id < names_func_count(s->names); id++) {
		const struct name *n = names_get(s->names, ayaprof_Table_TABLE_FUNC, id);

		if (n && !strcmp(n->text, text))
			return id;
	}
	fail_msg("no function is called %s", text);
	return 0;
}

static uint64_t exact_count(struct seen *s, uint32_t func)
{
	ayaprof_Aggregate row;
	uint32_t at = func;

	return s->source->ops->totals(s->source, &at, &row, 1) && row.func == func ? row.count : 0;
}

static void needs_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("needs root to trace the kernel\n");
	skip();
}

static void call_getppid(void)
{
	int i;

	for (i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
}

static void call_function(void)
{
	int i;

	for (i = 0; i < MANY; i++)
		probed_function();
}

static void call_fork(void)
{
	int i;

	for (i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static char *syscall_module[] = {(char *)"syscall"};

static void syscalls_are_counted(void **state)
{
	struct config cfg = {.modules = syscall_module, .n_modules = 1, .ring_bytes = 4 << 20};
	struct seen *s;
	uint32_t f;

	needs_root();
	s = seen_new(&cfg);
	profile(s, call_getppid, true);
	f = func_by_name(s, "sys_getppid");
	if (losses(s)) {
		print_message("the machine was too busy: %llu events lost\n",
			(unsigned long long)losses(s));
		seen_free(s);
		skip();
	}
	/* Others on this machine may ask for their parent, too. */
	assert_int_equal(s->of_child[f][AYP_ENTRY], CALLS);
	assert_int_equal(s->of_child[f][AYP_EXIT], CALLS);
	assert_int_equal(exact_count(s, f), s->by_kind[f][AYP_ENTRY]);
	assert_int_equal(s->source->ops->produced(s->source), s->events);
	assert_int_equal(s->of_self, 0);
	seen_free(s);
}

static void forks_are_counted(void **state)
{
	static struct probe_spec spec = {SPEC_TRACEPOINT, (char *)"sched",
		(char *)"sched_process_fork", "t:sched:sched_process_fork"};
	struct config cfg = {
		.no_modules = true, .probes = &spec, .n_probes = 1, .ring_bytes = 1 << 20};
	struct seen *s;
	uint32_t f;

	needs_root();
	s = seen_new(&cfg);
	profile(s, call_fork, true);
	f = func_by_name(s, "sched:sched_process_fork");
	/* The first one is our own, which is not traced; whatever others do. */
	assert_int_equal(s->of_child[f][AYP_INSTANT], FORKS);
	assert_int_equal(s->source->ops->produced(s->source), s->events + losses(s));
	assert_string_not_equal(s->last_comm, "");
	seen_free(s);
}

static void user_functions_are_counted(void **state)
{
	char path[4096];
	struct probe_spec spec = {SPEC_USER, path, (char *)"probed_function", "u:probed_function"};
	struct config cfg = {
		.no_modules = true, .probes = &spec, .n_probes = 1, .ring_bytes = 1 << 20};
	struct seen *s;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	uint32_t f;

	needs_root();
	assert_true(n > 0);
	path[n] = '\0';
	s = seen_new(&cfg);
	profile(s, call_function, true);
	f = func_by_name(s, "probed_function");
	assert_int_equal(losses(s), 0);
	assert_int_equal(s->by_kind[f][AYP_ENTRY], MANY);
	assert_int_equal(s->by_kind[f][AYP_EXIT], MANY);
	assert_int_equal(exact_count(s, f), MANY);
	seen_free(s);
}

static void full_ring_is_counted(void **state)
{
	struct config cfg = {.modules = syscall_module, .n_modules = 1, .ring_bytes = 4096};
	struct seen *s;
	uint64_t lost;
	uint32_t f;

	needs_root();
	cfg.ring_bytes = (size_t)sysconf(_SC_PAGESIZE);
	s = seen_new(&cfg);
	/* Nobody empties the ring until the work is done. */
	profile(s, call_getppid, false);
	lost = losses(s);
	f = func_by_name(s, "sys_getppid");
	assert_true(lost > CALLS);
	assert_true(s->events > 0);
	assert_int_equal(s->source->ops->produced(s->source), s->events + lost);
	assert_in_range(exact_count(s, f), CALLS, CALLS + 5);
	seen_free(s);
}

static void refuses(const struct config *cfg)
{
	struct seen *s = seen_new(cfg);

	assert_true(s->source->ops->start(s->source) < 0);
	seen_free(s);
}

static void what_cannot_be_is_refused(void **state)
{
	struct probe_spec specs[] = {
		{SPEC_KERNEL, NULL, (char *)NO_MATCH, "k:" NO_MATCH},
		{SPEC_USER, (char *)"/proc/self/exe", (char *)NO_MATCH, "u:" NO_MATCH},
		{SPEC_USER, (char *)"/etc/passwd", (char *)"main", "u:/etc/passwd:main"},
		{SPEC_USER, (char *)"/no/such/file", (char *)"main", "u:/no/such/file:main"},
		{SPEC_TRACEPOINT, (char *)"sched", (char *)NO_MATCH, "t:sched:" NO_MATCH},
	};
	struct config cfg = {.no_modules = true, .n_probes = 1, .ring_bytes = 1 << 16};
	size_t i;

	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		cfg.probes = &specs[i];
		refuses(&cfg);
	}
	cfg.n_probes = 0;
	refuses(&cfg);
	assert_true(probes_module_exists("syscall"));
	assert_false(probes_module_exists("syscalls"));
}

struct found {
	uint64_t offset;
	int times;
};

static int on_function(void *ctx, const struct elf_function *function)
{
	struct found *f = ctx;

	if (!strcmp(function->name, "probed_function")) {
		f->offset = function->offset;
		f->times++;
		assert_true(function->size > 0);
		assert_int_equal(function->offset & 0xfff, function->address & 0xfff);
	}
	return 0;
}

static void functions_of_a_file(void **state)
{
	struct found f = {0};
	struct elf_symbols *s;
	char path[4096], name[64];
	uint64_t offset;

	assert_int_equal(
		own_code_place((void *)(uintptr_t)probed_function, path, sizeof(path), &offset), 0);
	assert_int_equal(elf_functions_each(path, on_function, &f), 0);
	assert_true(f.times >= 1);
	assert_int_equal(f.offset, offset);
	s = elf_symbols_open(path);
	assert_non_null(s);
	assert_int_equal(elf_symbols_name(s, path, offset, name, sizeof(name)), 0);
	assert_string_equal(name, "probed_function");
	assert_int_not_equal(elf_symbols_name(s, path, 0, name, sizeof(name)), 0);
	assert_int_not_equal(elf_symbols_name(s, "/etc/passwd", offset, name, sizeof(name)), 0);
	elf_symbols_close(s);
	assert_null(elf_symbols_open("/etc/passwd"));
}

#if defined(__x86_64__) || defined(__i386__)
/* Compilers put functions anywhere (-O0, -Os); bit 0 says Thumb on 32-bit ARM only. */
__asm__(".text\n.balign 16\nnop\n.type odd_function, @function\nodd_function:\nret\n"
	".size odd_function, . - odd_function\n");

static void a_function_at_an_odd_address(void **state)
{
	struct function_targets t = {0};
	char path[] = "/proc/self/exe", glob[] = "odd_function";
	struct probe_spec spec = {.type = SPEC_USER, .path = path, .glob = glob};
	struct config cfg = {.probes = &spec, .n_probes = 1};

	assert_int_equal(function_targets_user(&t, &cfg), 0);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.at[0].offset & 1, 1);
	assert_int_equal(t.at[0].size, 1);
	assert_false(t.at[0].thumb);
	function_targets_free(&t);
}
#endif

static void equal_things_have_equal_numbers(void **state)
{
	struct intern t;
	uint32_t i, number, known = 0;

	assert_int_equal(intern_init(&t, 64), 0);
	for (i = 1; i <= 1000; i++) {
		uint64_t hash = intern_hash(0, &i, sizeof(i));

		assert_false(intern_find(&t, hash, &number));
		intern_set(&t, hash, i);
		assert_true(intern_find(&t, hash, &number));
		assert_int_equal(number, i);
	}
	for (i = 1; i <= 1000; i++)
		known += intern_find(&t, intern_hash(0, &i, sizeof(i)), &number) && number == i;
	assert_in_range(known, 1, 48);
	intern_free(&t);
}

int main(void)
{
	own_tid = (uint32_t)getpid();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_things_have_equal_numbers),
		cmocka_unit_test(functions_of_a_file),
#if defined(__x86_64__) || defined(__i386__)
		cmocka_unit_test(a_function_at_an_odd_address),
#endif
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(syscalls_are_counted),
		cmocka_unit_test(forks_are_counted),
		cmocka_unit_test(user_functions_are_counted),
		cmocka_unit_test(full_ring_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
