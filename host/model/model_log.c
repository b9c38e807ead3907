/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the board's kernel said. */
#include "host/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"

int load_log(struct load *l, uint8_t session, const ayaprof_Log *log)
{
	struct model *m = l->m;
	struct model_log *logs;

	if (m->n_logs + log->records_count > l->max_logs)
		return 0;
	logs = grow_array(m->logs, &l->cap_logs, m->n_logs + log->records_count, sizeof(*logs));
	if (!logs)
		return -ENOMEM;
	m->logs = logs;
	for (pb_size_t i = 0; i < log->records_count; i++) {
		const ayaprof_LogRecord *r = &log->records[i];
		char *text = strdup(r->text);

		if (!text)
			return -ENOMEM;
		logs[m->n_logs++] = (struct model_log){
			.seq = r->seq,
			.t_us = r->t_us,
			.priority = r->priority,
			.session = session,
			.cut = r->cut,
			.text = text,
		};
	}
	return 0;
}

static int log_order(const void *pa, const void *pb)
{
	const struct model_log *a = pa, *b = pb;

	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void load_logs_finish(struct load *l)
{
	struct model *m = l->m;
	size_t kept = 0;

	if (m->n_logs)
		qsort(m->logs, m->n_logs, sizeof(*m->logs), log_order);
	for (size_t i = 0; i < m->n_logs; i++) {
		struct model_log *r = &m->logs[i];
		const struct model_log *before = kept ? &m->logs[kept - 1] : NULL;
		bool follows = before && before->session == r->session;

		/* Joined files have some twice. */
		if (m->sessions[r->session].needs_protocol || (follows && before->seq == r->seq)) {
			free(r->text);
			continue;
		}
		if (follows) {
			r->missed = r->seq - before->seq - 1;
			m->logs_missed = ledger_add(m->logs_missed, r->missed);
		}
		m->logs[kept++] = *r;
	}
	m->n_logs = kept;
}
