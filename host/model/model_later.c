/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Sessions of a later protocol. Reading them with the rules of this one could show something that
 * never was, so nothing of them is shown but that they are there. The hello that says so may come
 * after events (a host that attached late): what was collected until then is dropped.
 */
#include "host/model/model_internal.h"

#include <string.h>

#include "host/base/say.h"

static bool is_later(const struct load *l, uint8_t session)
{
	return l->m->sessions[session].needs_protocol != 0;
}

static void drop_events(struct load *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n_blocks; i++) {
		if (!is_later(l, l->blocks[i].session))
			l->blocks[kept++] = l->blocks[i];
	}
	l->n_blocks = kept;
	kept = 0;
	for (size_t i = 0; i < l->n_told; i++) {
		if (!is_later(l, l->told[i].session))
			l->told[kept++] = l->told[i];
	}
	l->n_told = kept;
}

static void drop_counters(struct load *l)
{
	struct model *m = l->m;
	size_t kept = 0;

	for (size_t i = 0; i < l->n_exact; i++) {
		if (!is_later(l, l->exact[i].session))
			l->exact[kept++] = l->exact[i];
	}
	l->n_exact = kept;
	kept = 0;
	for (size_t i = 0; i < m->n_samples; i++) {
		if (is_later(l, m->sample_session[i]))
			continue;
		m->samples[kept] = m->samples[i];
		m->sample_session[kept++] = m->sample_session[i];
	}
	m->n_samples = kept;
}

void load_drop_later(struct load *l)
{
	struct model *m = l->m;
	uint32_t needed = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->n_sessions; i++) {
		struct model_session *s = &m->sessions[i];

		if (!s->needs_protocol)
			continue;
		n++;
		needed = s->needs_protocol > needed ? s->needs_protocol : needed;
		*s = (struct model_session){.id = s->id, .needs_protocol = s->needs_protocol};
		memset(&l->sessions[i], 0, sizeof(l->sessions[i]));
	}
	if (!n)
		return;
	drop_events(l);
	drop_counters(l);
	/* Entries are found by their place, so they stay; a name of no table is nobody's. */
	for (size_t i = 0; i < l->n_names; i++) {
		if (is_later(l, l->names[i].session))
			l->names[i].table = ayaprof_Table_TABLE_NONE;
	}
	say("%zu of %zu sessions in this recording need%s a hostdec that speaks protocol %u, this "
	    "one speaks %u: nothing of %s is shown",
		n, m->n_sessions, n == 1 ? "s" : "", needed, AYP_PROTOCOL_VERSION,
		n == 1 ? "it" : "them");
}
