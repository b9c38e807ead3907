/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names that compilers made, as programmers wrote them (C++ and Rust; libiberty). */
#ifndef PROTO_DEMANGLE_H
#define PROTO_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

/* With its end. What would be longer is left as it is. */
#define DEMANGLE_MAX 8192u

/*
 * False: it is no such name (text is not touched then), or its text is longer than DEMANGLE_MAX: a
 * name of 100 bytes can stand for one of 2^50, and is given up on the way. `arguments`: with the
 * types of a function's arguments. A version ("NAME@VERSION") stays. Holds no memory when it returns;
 * for an identifier of Rust that is not ASCII the library takes up to 64 KiB by malloc meanwhile.
 */
bool demangle(const char *name, bool arguments, char text[DEMANGLE_MAX]);

#endif
