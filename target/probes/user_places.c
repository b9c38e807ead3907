/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_places.h"

#include <errno.h>
#include <stdlib.h>

#include "target/probes/user_kind.h"

const enum function_body user_order[USER_BODIES] = {BODY_EXIT, BODY_INSTANT, BODY_ENTRY};

static bool has_ends(const struct function_target *t, enum user_way way)
{
	return way == USER_BY_RETURN ? !user_name_keeps_return(t->symbol) : !t->no_ends;
}

static bool may_come_again(const struct function_target *t)
{
	size_t i;

	for (i = 0; i < t->n_ends; i++)
		if (t->end[i].again)
			return true;
	return false;
}

/* Probes of one body that a function needs; out: room for 1 + n_ends. */
static size_t places_of(const struct function_target *t, enum user_way way, enum function_body body,
	struct user_place *out)
{
	bool ends = has_ends(t, way);
	size_t i;

	if (body == BODY_INSTANT || body == BODY_ENTRY) {
		*out = (struct user_place){t->offset, AYP_ID(t->func, 0)};
		if (way == USER_BY_INSTRUCTIONS && body == BODY_ENTRY && may_come_again(t))
			out->id |= AYP_ID_AGAIN;
		return ends == (body == BODY_ENTRY);
	}
	if (way == USER_BY_RETURN) {
		*out = (struct user_place){t->offset, AYP_ID(t->func, 0)};
		return ends;
	}
	for (i = 0; ends && i < t->n_ends; i++)
		out[i] = (struct user_place){t->end[i].offset,
			AYP_ID(t->func, t->end[i].when) | (t->end[i].again ? AYP_ID_AGAIN : 0)};
	return ends ? t->n_ends : 0;
}

int user_places_collect(struct user_places *l, struct function_target *const *t, size_t n,
	enum user_way way, enum function_body body)
{
	size_t i, room = 0;

	for (i = 0; i < n; i++)
		room += 1 + t[i]->n_ends;
	*l = (struct user_places){.at = calloc(room ? room : 1, sizeof(*l->at))};
	if (!l->at)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		l->n += places_of(t[i], way, body, l->at + l->n);
	return 0;
}
