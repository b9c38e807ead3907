/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/func.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "proto/clean.h"

/* "WRITTEN [SYMBOL]": a symbol is at most what a name on the line is. */
#define SYMBOL_MAX 1024u
_Static_assert(
	DEMANGLE_MAX + SYMBOL_MAX + 4 <= FUNC_ROOM && FUNC_ROOM <= STRINGS_LONGEST, "it fits");

static void find_traits(struct functions *f, uint32_t id)
{
	static const uint8_t by_class[AYP_CLASS_COUNT] = {
		[AYP_CLASS_KERNEL] = FUNC_KERNEL,
		[AYP_CLASS_SYSCALL] = FUNC_KERNEL | FUNC_SYSCALL,
		[AYP_CLASS_HARDIRQ] = FUNC_KERNEL,
		[AYP_CLASS_SOFTIRQ] = FUNC_KERNEL,
		[AYP_CLASS_TIMER] = FUNC_KERNEL,
		[AYP_CLASS_SWITCH] = FUNC_SWITCH,
	};
	const struct trace_func *func = &f->func[id];
	/* A replayed recording has names, but no classes. */
	bool any = func->cls == AYP_CLASS_REPLAY || func->cls == AYP_CLASS_UNKNOWN ||
		   func->cls == AYP_CLASS_TRACEPOINT;

	f->traits[id] = by_class[func->cls];
	if (any && !strcmp(func->name, "sched_switch"))
		f->traits[id] = FUNC_SWITCH;
}

void func_tell(const struct functions *f, uint32_t id)
{
	if (f->changed)
		f->changed(f->changed_ctx, (uint16_t)id);
}

int func_reach(struct functions *f, uint32_t id)
{
	struct trace_func *func =
		trace_grow(f->mem, f->func, &f->cap, (size_t)id + 1, sizeof(*func));

	if (!func)
		return -ENOMEM;
	f->func = func;
	for (; f->n <= id; f->n++)
		func[f->n] = (struct trace_func){0};
	return 0;
}

uint64_t func_name_key(uint8_t cls, const char *text, const char *owner)
{
	return strings_hash(strings_hash(STRINGS_HASH_BEGIN ^ cls, text), owner);
}

/* The text that is in f->room as a string that stays; `otherwise` when there is no room for it. */
static int keep(struct functions *f, const char *otherwise, const char **out)
{
	int err = strings_put(&f->names->strings, f->room, out);

	if (err != -ENOSPC)
		return err;
	f->names->left_out++;
	*out = otherwise;
	return 0;
}

/* As it was written. Two symbols may stand for one name: instances of a template, parts that
 * constructors are made of. */
static int write_name(struct functions *f, const struct name *e, const char **out)
{
	char *written = f->room + DEMANGLE_MAX;
	uint64_t key;
	uint32_t unused;
	size_t n;
	int err;

	if (!demangle(e->text, true, written) && !demangle(e->text, false, written)) {
		*out = e->text;
		return 0;
	}
	n = text_clean(f->room, DEMANGLE_MAX, written);
	key = func_name_key(e->cls, f->room, e->owner);
	if (table_get(&f->by_written, key, &unused)) {
		size_t symbol = strlen(e->text);

		assert(symbol < SYMBOL_MAX);
		memcpy(f->room + n, " [", 2);
		memcpy(f->room + n + 2, e->text, symbol);
		memcpy(f->room + n + 2 + symbol, "]", 2);
	} else {
		err = table_put(&f->by_written, key, 0);
		if (err)
			return err;
	}
	return keep(f, e->text, out);
}

int func_set(struct functions *f, uint32_t id, const struct name *e)
{
	struct trace_func *func = &f->func[id];
	int err = write_name(f, e, &func->name);

	if (err)
		return err;
	func->symbol = e->text;
	func->owner = e->owner;
	func->cls = e->cls;
	func->named = true;
	find_traits(f, id);
	func_tell(f, id);
	return 0;
}

int func_make_up(struct functions *f, uint32_t id, uint32_t wire)
{
	static const char begin[] = "func_";
	struct trace_func *func = &f->func[id];
	char digits[12];
	size_t n = sizeof(digits);
	int err;

	digits[--n] = '\0';
	do {
		digits[--n] = (char)('0' + wire % 10);
		wire /= 10;
	} while (wire);
	memcpy(f->room, begin, sizeof(begin) - 1);
	memcpy(f->room + sizeof(begin) - 1, digits + n, sizeof(digits) - n);
	err = keep(f, "func_?", &func->name);
	if (err)
		return err;
	func->symbol = func->name;
	func->owner = "";
	find_traits(f, id);
	func_tell(f, id);
	return 0;
}
