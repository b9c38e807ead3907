/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/kernel_btf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "target/base/log.h"
#include "target/probes/btf_file.h"

#define OWN "/sys/kernel/btf/vmlinux"
/* Anonymous structs within structs. */
#define NESTED_MAX 8

static struct btf_file *own, *foreign;
static bool tried_own, tried_foreign;
static const char *given;
static char place[PATH_MAX];

/* Bundles: RELEASE.btf as BTFHub names them. Unstripped kernels: where libbpf looks, too. %s is the
 * release. */
static const char *const bundles[] = {"/usr/local/share/ayaprof-uart/btf/%s.btf",
	"/usr/share/ayaprof-uart/btf/%s.btf", "/lib/modules/%s/vmlinux.btf", "/boot/vmlinux-%s",
	"/lib/modules/%s/vmlinux-%s", "/lib/modules/%s/build/vmlinux",
	"/usr/lib/debug/boot/vmlinux-%s", NULL};

static struct btf_file *open_own(void)
{
	if (!tried_own) {
		tried_own = true;
		own = btf_file_open(OWN);
	}
	return own;
}

static struct btf_file *open_place(void)
{
	return btf_file_open(place);
}

/* DIR/RELEASE.btf; false if that is too long. */
static bool in_directory(const char *dir, size_t len, const char *sub)
{
	struct utsname u;

	uname(&u);
	return snprintf(place, sizeof(place), "%.*s%s/%s.btf", (int)len, dir, sub, u.release) <
	       (int)sizeof(place);
}

/* btf/ beside the program: both may be on the same stick. */
static struct btf_file *open_beside(void)
{
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	const char *slash;

	if (n <= 0)
		return NULL;
	program[n] = '\0';
	slash = strrchr(program, '/');
	return slash && in_directory(program, (size_t)(slash - program), "/btf") ? open_place()
										 : NULL;
}

static struct btf_file *open_bundle(void)
{
	struct btf_file *f = open_beside();
	struct utsname u;
	size_t i;

	uname(&u);
	for (i = 0; !f && bundles[i]; i++) {
		/* More arguments than a row uses do no harm. */
		snprintf(place, sizeof(place), bundles[i], u.release, u.release);
		f = open_place();
	}
	return f;
}

static struct btf_file *open_foreign(void)
{
	if (tried_foreign)
		return foreign;
	tried_foreign = true;
	if (given)
		foreign = open_place();
	else if (!open_own())
		foreign = open_bundle();
	return foreign;
}

/* What is asked for everything but ids of functions. */
static struct btf_file *types(void)
{
	struct btf_file *f = open_foreign();

	return f ? f : open_own();
}

/* ---- functions ------------------------------------------------------------------------------ */

/* The names that were announced, sorted, and their ids once they have been looked for. */
static const char **expected;
static int *ids;
static size_t n_expected;

static void forget_expected(void)
{
	free(expected);
	free(ids);
	expected = NULL;
	ids = NULL;
	n_expected = 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void kernel_btf_expect(const char *const *names, size_t n)
{
	size_t i;

	forget_expected();
	expected = calloc(n ? n : 1, sizeof(*expected));
	if (!expected)
		return;
	memcpy(expected, names, n * sizeof(*names));
	qsort(expected, n, sizeof(*expected), by_name);
	for (i = 0; i < n; i++)
		if (!n_expected || strcmp(expected[n_expected - 1], expected[i]) != 0)
			expected[n_expected++] = expected[i];
}

int kernel_btf_function(const char *name)
{
	const char **row;

	if (!open_own())
		return -ENOENT;
	row = n_expected ? bsearch(&name, expected, n_expected, sizeof(*expected), by_name) : NULL;
	if (row && !ids) {
		ids = calloc(n_expected, sizeof(*ids));
		if (ids)
			btf_file_functions(own, expected, ids, n_expected);
	}
	return row && ids ? ids[row - expected] : btf_file_find(own, name, BTF_KIND_FUNC);
}

/* ---- choosing ------------------------------------------------------------------------------- */

int kernel_btf_choose(const char *path)
{
	struct stat st;
	int err;

	given = path;
	if (!path)
		return 0;
	snprintf(place, sizeof(place), "%s", path);
	if (!stat(path, &st) && S_ISDIR(st.st_mode) && !in_directory(path, strlen(path), ""))
		return -ENAMETOOLONG;
	if (open_foreign())
		return 0;
	err = -errno;
	if (err == -ENOEXEC)
		log_error("--btf %s: neither BTF nor an ELF file that holds it, or of another "
			  "machine's byte order; pahole -J and bpftool gen min_core_btf make such "
			  "files",
			place);
	else
		log_error("--btf %s: %s", place, strerror(-err));
	return err;
}

void kernel_btf_free(void)
{
	forget_expected();
	btf_file_close(own);
	btf_file_close(foreign);
	own = foreign = NULL;
	tried_own = tried_foreign = false;
}

void kernel_btf_distrust(void)
{
	btf_file_close(foreign);
	foreign = NULL;
}

bool kernel_btf_there(void)
{
	return types();
}

bool kernel_btf_own(void)
{
	return open_own();
}

bool kernel_btf_foreign(void)
{
	return open_foreign();
}

const char *kernel_btf_place(void)
{
	return open_foreign() ? place : open_own() ? OWN : NULL;
}

/* ---- members -------------------------------------------------------------------------------- */

/* Through typedefs and qualifiers. */
static uint32_t plain(struct btf_file *f, uint32_t id, struct btf_type *t)
{
	uint32_t depth;

	for (depth = 0; depth < 32 && btf_file_type(f, id, t); depth++)
		switch (BTF_INFO_KIND(t->info)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		default:
			return id;
		}
	memset(t, 0, sizeof(*t));
	return 0;
}

static bool is_number(const struct btf_type *t)
{
	uint32_t kind = BTF_INFO_KIND(t->info);

	return kind == BTF_KIND_INT || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
}

static bool is_aggregate(const struct btf_type *t)
{
	uint32_t kind = BTF_INFO_KIND(t->info);

	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static int find_member(struct btf_file *f, uint32_t id, const char *name, uint16_t *size, int depth)
{
	struct btf_type t, of;
	struct btf_member m;
	char text[64];
	uint32_t i;
	int at;

	if (!btf_file_type(f, id, &t))
		return -ENOENT;
	for (i = 0; i < BTF_INFO_VLEN(t.info) && btf_file_member(f, id, i, &m); i++) {
		uint32_t bits = BTF_INFO_KFLAG(t.info) ? BTF_MEMBER_BIT_OFFSET(m.offset) : m.offset;
		uint32_t type = plain(f, m.type, &of);

		btf_file_name(f, m.name_off, text, sizeof(text));
		if (!text[0] && is_aggregate(&of) && depth < NESTED_MAX) {
			at = find_member(f, type, name, size, depth + 1);
			if (at >= 0)
				return at + (int)(bits / 8);
		}
		if (strcmp(text, name))
			continue;
		if (size)
			*size = is_number(&of) ? (uint16_t)of.size : 0;
		return (int)(bits / 8);
	}
	return -ENOENT;
}

int kernel_btf_member(const char *type, const char *member, uint16_t *size)
{
	struct btf_file *f = types();
	int id = f ? btf_file_find(f, type, BTF_KIND_STRUCT) : -ENOENT;

	return id < 0 ? id : find_member(f, (uint32_t)id, member, size, 0);
}

/* ---- tracepoints ---------------------------------------------------------------------------- */

/* void (*btf_trace_EVENT)(void *, arguments...): id of the prototype, 0 if there is none. */
static uint32_t prototype(struct btf_file *f, const char *event, struct btf_type *t)
{
	char name[96];
	uint32_t type;
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", event);
	id = btf_file_find(f, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return 0;
	plain(f, (uint32_t)id, t);
	if (BTF_INFO_KIND(t->info) != BTF_KIND_PTR)
		return 0;
	type = t->type;
	return btf_file_type(f, type, t) && BTF_INFO_KIND(t->info) == BTF_KIND_FUNC_PROTO ? type
											  : 0;
}

static void arg_type(struct btf_file *f, uint32_t id, struct kernel_btf_arg_type *arg)
{
	struct btf_type t;

	*arg = (struct kernel_btf_arg_type){.kind = BTF_ARG_OTHER};
	if (!btf_file_type(f, id, &t))
		return;
	if (BTF_INFO_KIND(t.info) == BTF_KIND_TYPEDEF) {
		arg->kind = BTF_ARG_TYPEDEF;
	} else if (BTF_INFO_KIND(t.info) == BTF_KIND_PTR) {
		plain(f, t.type, &t);
		arg->kind = !t.info ? BTF_ARG_ADDRESS
			    : BTF_INFO_KIND(t.info) == BTF_KIND_STRUCT ||
					    BTF_INFO_KIND(t.info) == BTF_KIND_FWD
				    ? BTF_ARG_STRUCT
				    : BTF_ARG_OTHER;
	}
	if (arg->kind == BTF_ARG_TYPEDEF || arg->kind == BTF_ARG_STRUCT)
		btf_file_name(f, t.name_off, arg->name, sizeof(arg->name));
}

int kernel_btf_tracepoint(const char *event, struct kernel_btf_arg_type *args, size_t cap)
{
	struct btf_file *f = types();
	struct btf_param param;
	struct btf_type t;
	uint32_t id = f ? prototype(f, event, &t) : 0, n, i;

	if (!id)
		return -ENOENT;
	n = BTF_INFO_VLEN(t.info);
	n = n ? n - 1 : 0; /* the first one is the registration's, not the tracepoint's */
	for (i = 0; i < n && i < cap && btf_file_param(f, id, i + 1, &param); i++)
		arg_type(f, param.type, &args[i]);
	return (int)i;
}
