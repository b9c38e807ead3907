/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names of functions as their programmers wrote them, told apart where that is the same. */
#include "host/model/model_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"
#include "proto/demangle.h"

/* Functions by class, name and owner: a key for `name` that no other name has. */
uint64_t model_func_key(const struct name_entry *e)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ e->cls;

	/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv */
	for (const char *s = e->name; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	h = (h ^ 0xff) * UINT64_C(0x100000001b3);
	for (const char *s = e->owner_name; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return h;
}

/* Two symbols may stand for one name: instances of a template, parts that constructors are made of.
 */
char *name_as_written(struct idmap *seen, const struct name_entry *e)
{
	char text[DEMANGLE_MAX];
	struct name_entry written = *e;
	uint64_t key;
	uint32_t unused;
	char *both;

	if (!demangle(e->name, true, text) && !demangle(e->name, false, text))
		return strdup(e->name);
	written.name = text;
	key = model_func_key(&written);
	if (!idmap_get(seen, key, &unused))
		return idmap_put(seen, key, 0) ? NULL : text_clean_dup(text);
	return asprintf(&both, "%s [%s]", text, e->name) < 0 ? NULL : both;
}
