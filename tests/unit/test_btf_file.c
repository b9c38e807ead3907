/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Type information as libbpf writes it, read in place; damaged and foreign files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/btf.h>

#include "target/probes/btf_file.h"
#include "target/probes/kernel_btf.h"

#define OWN "/sys/kernel/btf/vmlinux"
/* More than fit a window. */
#define FUNCTIONS 5003

static char path[] = "/tmp/test_btf_file.XXXXXX";

static void write_file(const void *bytes, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* task_struct with a state of 8 bytes in front of an anonymous struct that holds pid; a tracepoint. */
static struct btf *make(void)
{
	struct btf *b = btf__new_empty();
	int number, wide, pid, state, inner, task, cache, pointer, to_cache, void_pointer, to_const,
		size, proto;
	char name[32];
	int i;

	assert_non_null(b);
	number = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	wide = btf__add_int(b, "long", 8, BTF_INT_SIGNED);
	pid = btf__add_typedef(b, "pid_t", number);
	state = btf__add_volatile(b, wide);
	/* Fields go to the last type. */
	inner = btf__add_struct(b, NULL, 8);
	assert_int_equal(btf__add_field(b, "padding", number, 0, 0), 0);
	assert_int_equal(btf__add_field(b, "pid", pid, 32, 0), 0);
	task = btf__add_struct(b, "task_struct", 16);
	assert_int_equal(btf__add_field(b, "state", state, 0, 0), 0);
	assert_int_equal(btf__add_field(b, NULL, inner, 64, 0), 0);
	cache = btf__add_struct(b, "kmem_cache", 4);
	btf__add_field(b, "size", number, 0, 0);
	for (i = 0; i < FUNCTIONS; i++) {
		snprintf(name, sizeof(name), "function_%d", i);
		proto = btf__add_func_proto(b, 0);
		btf__add_func(b, name, BTF_FUNC_STATIC, proto);
	}
	void_pointer = btf__add_ptr(b, 0);
	to_const = btf__add_ptr(b, btf__add_const(b, 0));
	to_cache = btf__add_ptr(b, btf__add_const(b, cache));
	size = btf__add_typedef(b, "size_t", wide);
	proto = btf__add_func_proto(b, 0);
	btf__add_func_param(b, NULL, void_pointer);
	btf__add_func_param(b, NULL, wide);
	btf__add_func_param(b, NULL, to_const);
	btf__add_func_param(b, NULL, to_cache);
	btf__add_func_param(b, NULL, size);
	pointer = btf__add_ptr(b, proto);
	assert_true(btf__add_typedef(b, "btf_trace_kmalloc", pointer) > 0);
	assert_true(task > 0);
	return b;
}

static void write_btf(const struct btf *b)
{
	uint32_t size;
	const void *raw = btf__raw_data(b, &size);

	write_file(raw, size);
}

static void members_and_arguments(void **state)
{
	struct kernel_btf_arg_type args[8];
	struct btf *b = make();
	uint16_t size;

	write_btf(b);
	btf__free(b);
	assert_int_equal(kernel_btf_choose(path), 0);
	assert_true(kernel_btf_there() && kernel_btf_foreign());
	assert_string_equal(kernel_btf_place(), path);
	assert_int_equal(kernel_btf_member("task_struct", "state", &size), 0);
	assert_int_equal(size, 8);
	assert_int_equal(kernel_btf_member("task_struct", "pid", &size), 12);
	assert_int_equal(size, 4);
	assert_int_equal(kernel_btf_member("task_struct", "__state", &size), -ENOENT);
	assert_int_equal(kernel_btf_member("no_struct", "pid", &size), -ENOENT);
	assert_int_equal(kernel_btf_tracepoint("kfree", args, 8), -ENOENT);
	assert_int_equal(kernel_btf_tracepoint("kmalloc", args, 8), 4);
	assert_int_equal(args[0].kind, BTF_ARG_OTHER);
	assert_int_equal(args[1].kind, BTF_ARG_ADDRESS);
	assert_int_equal(args[2].kind, BTF_ARG_STRUCT);
	assert_string_equal(args[2].name, "kmem_cache");
	assert_int_equal(args[3].kind, BTF_ARG_TYPEDEF);
	assert_string_equal(args[3].name, "size_t");
	/* Ids are the running kernel's only. */
	assert_int_equal(kernel_btf_function("function_1"), -ENOENT);
	kernel_btf_free();
}

static int function(struct btf_file *f, const char *name)
{
	int id;

	btf_file_functions(f, &name, &id, 1);
	return id;
}

static void functions(void **state)
{
	const char *names[] = {
		"function_", "function_0", "function_1", "function_4711", "kmem_cache", "zero"};
	struct btf *b = make();
	struct btf_file *f;
	int ids[6];
	size_t i;

	write_btf(b);
	f = btf_file_open(path);
	assert_non_null(f);
	btf_file_functions(f, names, ids, 6);
	for (i = 0; i < 6; i++)
		assert_int_equal(ids[i], btf__find_by_name_kind(b, names[i], BTF_KIND_FUNC));
	assert_true(ids[1] > 0 && ids[2] > 0 && ids[3] > 0);
	assert_true(ids[0] < 0 && ids[4] < 0 && ids[5] < 0);
	btf_file_functions(f, names, ids, 0);
	btf_file_close(f);
	btf__free(b);
}

/* Cut off or wrong anywhere: refused or read as far as it makes sense, never more. */
static void damaged(void **state)
{
	struct btf *b = make();
	uint32_t size, cut;
	const char *raw = btf__raw_data(b, &size);
	char *copy = malloc(size);
	struct btf_file *f;

	assert_non_null(copy);
	for (cut = 0; cut < size; cut += cut < 200 ? 1 : 997) {
		write_file(raw, cut);
		f = btf_file_open(path);
		if (f)
			function(f, "function_1");
		else
			assert_int_equal(errno, ENOEXEC);
		btf_file_close(f);
	}
	for (cut = 0; cut < 400; cut++) {
		memcpy(copy, raw, size);
		copy[cut] ^= 0xff;
		write_file(copy, size);
		f = btf_file_open(path);
		if (f) {
			btf_file_find(f, "task_struct", BTF_KIND_STRUCT);
			function(f, "function_1");
		}
		btf_file_close(f);
	}
	free(copy);
	btf__free(b);
	write_file("\xeb\x9f\x01\x00", 4); /* the other byte order */
	assert_null(btf_file_open(path));
	assert_int_equal(errno, ENOEXEC);
	assert_null(btf_file_open("/proc/self/exe")); /* ELF without */
	assert_int_equal(errno, ENOEXEC);
	assert_null(btf_file_open("/nowhere"));
	assert_int_equal(errno, ENOENT);
}

/* The same as libbpf finds in the running kernel's, announced or not. */
static void own_kernel(void **state)
{
	static const char *const names[] = {
		"vfs_read", "schedule", "tcp_v4_rcv", "schedule", "kfree", "no_such"};
	struct btf *b = btf__parse(OWN, NULL);
	int pass;
	size_t i;

	if (!b) {
		print_message("this kernel has no BTF to compare with\n");
		skip();
	}
	assert_int_equal(kernel_btf_choose(NULL), 0);
	assert_true(kernel_btf_own());
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			assert_int_equal(kernel_btf_function(names[i]),
				btf__find_by_name_kind(b, names[i], BTF_KIND_FUNC));
		assert_true(kernel_btf_function("vfs_read") > 0);
		kernel_btf_expect(names, 5);
	}
	kernel_btf_free();
	btf__free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_and_arguments),
		cmocka_unit_test(functions),
		cmocka_unit_test(damaged),
		cmocka_unit_test(own_kernel),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
