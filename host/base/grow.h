/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Arrays that grow. */
#ifndef HOST_GROW_H
#define HOST_GROW_H

#include <stdint.h>
#include <stdlib.h>

/* Make room for `need` elements of `size` bytes; *cap counts elements. Returns the array, perhaps
 * moved, or NULL: out of memory, the old array is still there. */
static inline void *grow_array(void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 16;
	void *p;

	if (need <= *cap && array)
		return array;
	/* By half: the last step decides how much of the array stands empty. */
	while (want < need)
		want += want / 2;
	if (want > SIZE_MAX / size)
		return NULL;
	p = realloc(array, want * size);
	if (p)
		*cap = want;
	return p;
}

#endif
