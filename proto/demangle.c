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
	bool full;
	bool rust; /* is being tried */
	jmp_buf too_long;
};

/*
 * Is this text in memory that the library will free when we return? It is where it has put together
 * an identifier of Rust that is not ASCII; all other text of Rust is ASCII.
 */
static bool held(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] >= 0x80)
			return true;
	return false;
}

static void take(const char *text, size_t n, void *opaque)
{
	struct output *o = opaque;

	o->full = o->full || n >= sizeof(o->text) - o->n;
	if (!o->full) {
		memcpy(o->text + o->n, text, n);
		o->n += n;
	} else if (!o->rust || !held(text, n)) {
		/* The only way to make the library stop. The rest it keeps on its stack. */
		longjmp(o->too_long, 1);
	}
}

static bool by_library(struct output *o, const char *name, int options)
{
	if (setjmp(o->too_long))
		return false;
	o->rust = true;
	o->full = false;
	o->n = 0;
	/* Rust's older names are C++ names with a hash at the end: who knows that comes first. */
	if (rust_demangle_callback(name, options, take, o) && o->n)
		return !o->full;
	o->rust = false;
	o->full = false;
	o->n = 0;
	return cplus_demangle_v3_callback(name, options, take, o) && o->n && !o->full;
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
