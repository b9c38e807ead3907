/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_kind.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

static const char *const trampolines[] = {
	"__restore_rt", /* glibc, musl: sa_restorer */
	"__restore",
	"__default_sa_restorer*", /* glibc on arm */
	"__default_rt_sa_restorer*",
	"__kernel_rt_sigreturn",
	"__kernel_sigreturn",
	"_dl_runtime_resolve*", /* the first call through a PLT */
	"_dl_runtime_profile*",
	"_dl_start_user",
	"__x86.get_pc_thunk.*", /* reads its return address; x86-32 */
	"__x86_indirect_thunk_*",
	"__x86_return_thunk",
};

static const char *const keep_return[] = {
	"_start",
	"__start",
	"_start_c",
	"_rt0_*",
	"_dl_start",
	"__libc_start_*",
	"_init",
	"_fini",
	"setjmp",
	"_setjmp",
	"sigsetjmp",
	"__sigsetjmp*",
	"__sigjmp_save",
	"__setjmp*",
	"savectx",
	"getcontext",
	"__getcontext",
	"swapcontext",
	"__swapcontext",
	"setcontext",
	"__setcontext",
	"makecontext",
	"__start_context",
	"longjmp",
	"_longjmp",
	"siglongjmp",
	"__longjmp*",
	"____longjmp_chk",
	"vfork",
	"__vfork",
	"__libc_vfork",
	"clone",
	"__clone*",
	"__internal_clone*",
	"_Unwind_*",
	"__unw_*",
	"uw_*",
	"backtrace",
	"__backtrace",
	"_mcount",
	"mcount",
	"__fentry__",
	"__mcount_internal",
	"dlopen",
	"dlsym",
	"dlvsym",
	"_dl_*",
};

/* crtstuff.c of GCC and crti.o of every C library: of every program, but nobody's. */
static const char *const startup[] = {
	"deregister_tm_clones",
	"register_tm_clones",
	"__do_global_dtors_aux",
	"frame_dummy",
	"_init",
	"_fini",
};

static bool matches(const char *const *patterns, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!fnmatch(patterns[i], name, 0))
			return true;
	return false;
}

/* A component between dots, or at the end. */
static bool has_component(const char *name, const char *component)
{
	size_t n = strlen(component);
	const char *at = name;

	while ((at = strstr(at, component))) {
		if (at > name && (!at[n] || at[n] == '.'))
			return true;
		at += n;
	}
	return false;
}

bool user_name_is_cold(const char *name)
{
	return has_component(name, ".cold");
}

bool user_name_may_be_part(const char *name)
{
	return has_component(name, ".part");
}

bool user_name_is_trampoline(const char *name)
{
	return matches(trampolines, sizeof(trampolines) / sizeof(trampolines[0]), name);
}

bool user_name_is_startup(const char *name)
{
	return matches(startup, sizeof(startup) / sizeof(startup[0]), name);
}

bool user_name_keeps_return(const char *name)
{
	return matches(keep_return, sizeof(keep_return) / sizeof(keep_return[0]), name);
}
