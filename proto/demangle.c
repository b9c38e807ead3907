/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/demangle.h"

#ifdef AYAPROF_DEMANGLE
#include <setjmp.h>
#include <string.h>

#include <libiberty/demangle.h>

/* Longest mangled name that is tried. */
#define MANGLED_MAX 4096u

struct output {
	char text[DEMANGLE_MAX];
	size_t n;
	jmp_buf too_long;
};

static void take(const char *text, size_t n, void *opaque)
{
	struct output *o = opaque;

	/* The only way to make the library stop. It keeps everything on its stack. */
	if (n >= sizeof(o->text) - o->n)
		longjmp(o->too_long, 1);
	memcpy(o->text + o->n, text, n);
	o->n += n;
}

static bool by_library(struct output *o, const char *name, int options)
{
	if (setjmp(o->too_long))
		return false;
	o->n = 0;
	/* Rust's older names are C++ names with a hash at the end: who knows that comes first. */
	if (rust_demangle_callback(name, options, take, o) && o->n)
		return true;
	o->n = 0;
	return cplus_demangle_v3_callback(name, options, take, o) && o->n;
}

bool demangle(const char *name, bool arguments, char text[DEMANGLE_MAX])
{
	char plain[MANGLED_MAX];
	const char *version;
	struct output o;
	size_t n, rest;

	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R'))
		return false;
	version = strchrnul(name, '@');
	n = (size_t)(version - name);
	rest = strlen(version);
	if (n >= sizeof(plain))
		return false;
	memcpy(plain, name, n);
	plain[n] = '\0';
	if (!by_library(&o, plain, DMGL_ANSI | DMGL_RET_DROP | (arguments ? DMGL_PARAMS : 0)) ||
		rest >= sizeof(o.text) - o.n)
		return false;
	memcpy(text, o.text, o.n);
	memcpy(text + o.n, version, rest + 1);
	return true;
}
#else
bool demangle(const char *name, bool arguments, char text[DEMANGLE_MAX])
{
	return false;
}
#endif
