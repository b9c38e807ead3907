/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/info.h"

const ayaprof_Hello *info_board(const struct info *in)
{
	static const ayaprof_Hello nobody;

	for (size_t i = in->n_sessions; i-- > 0;) {
		if (info_session(in, i)->has_hello)
			return &info_session(in, i)->hello;
	}
	return &nobody;
}

const char *info_why_no_board(const struct info *in)
{
	for (size_t i = 0; i < in->n_sessions; i++) {
		if (info_session(in, i)->needs_protocol)
			return "it speaks a later protocol";
	}
	return "no hello arrived";
}

bool info_without_goodbye(const struct trace_session *s)
{
	return !s->has_goodbye && !s->needs_protocol;
}

size_t info_sessions_without_goodbye(const struct info *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_sessions; i++)
		n += info_without_goodbye(info_session(in, i));
	return n;
}

/* As the boards counted until their last word; what came late has been sent again in any case. */
uint64_t info_retransmitted(const struct info *in)
{
	uint64_t n = 0;

	for (size_t i = 0; i < in->n_sessions; i++)
		n = ledger_add(n, info_session(in, i)->status.frames_again);
	return n > in->totals->line.frames_late ? n : in->totals->line.frames_late;
}

const ayaprof_UartErrors *info_board_uart(const struct info *in)
{
	for (size_t i = in->n_sessions; i-- > 0;) {
		if (info_session(in, i)->status.has_uart)
			return &info_session(in, i)->status.uart;
	}
	return NULL;
}
