/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/adaptive.h"

#include <stddef.h>
#include <string.h>

#include "proto/adaptive_symbol.h"
#include "proto/adaptive_value.h"

void ad_model_init(struct ad_model *m)
{
	bit_tables_init(&m->tables);
	ad_model_reset(m);
}

void ad_model_reset(struct ad_model *m)
{
	memset(m, 0, offsetof(struct ad_model, tables));
	bit_model_reset(&m->bits);
	m->n_symbols = 1;
	m->clock = (struct ad_clock){.unit = 1, .exact = true};
}

static uint32_t check_add(uint32_t check, uint64_t v)
{
	check = (check ^ (uint32_t)v) * 0x01000193u;
	check = (check ^ (uint32_t)(v >> 32)) * 0x01000193u;
	return check ^ check >> 15;
}

uint16_t ad_check(const struct ad_model *m)
{
	return (uint16_t)(m->check ^ m->check >> 16);
}

static void follow_call(const struct ad_model *m, struct ad_stack *s, uint32_t sym)
{
	uint32_t key = m->key[sym];
	unsigned int kind = key >> 3 & 3;

	if (kind == AYP_ENTRY) {
		if (s->depth == AD_DEPTH)
			memmove(s->sym, s->sym + 1, (--s->depth) * sizeof(s->sym[0]));
		s->sym[s->depth++] = (uint16_t)sym;
	} else if (kind == AYP_EXIT && s->depth > 0 &&
		   m->key[s->sym[s->depth - 1]] >> 5 == key >> 5) {
		s->depth--;
	}
}

RC_INLINE bool code_thread(struct ad_model *m, struct range_coder *rc, bool decode, uint32_t tid,
	struct ad_cpu *c, uint32_t cpu)
{
	if (PLAIN(tid == c->tid, slot_line(hash2(c->sym[0], c->sym[1]) + SALT_TID), 0))
		return false;
	tid = code_other_tid(m, rc, decode, tid, c, cpu);
	c->prev_tid = c->tid;
	c->tid = tid;
	return true;
}

RC_INLINE struct ad_stack *find_stack(struct ad_model *m, uint32_t tid, uint32_t cpu)
{
	uint32_t owner = tid ? tid : ~cpu; /* there is an idle task on every CPU */
	struct ad_stack *s = &m->stack[hash2(owner, 2) % AD_STACKS];

	if (s->owner != owner) {
		s->owner = owner;
		s->depth = 0;
	}
	return s;
}

RC_INLINE bool code_event(struct ad_model *m, struct range_coder *rc, bool decode,
	const struct ayp_event *in, struct ayp_event *out, uint32_t cpu)
{
	struct ad_cpu *c = &m->cpu[cpu];
	uint32_t key = decode ? 0 : ad_key(in);
	struct symbol_contexts x;
	uint64_t args[AYP_EVENT_MAX_ARGS];

	x.changed = code_thread(m, rc, decode, decode ? 0 : in->tid, c, cpu);

	struct ad_stack *s = find_stack(m, c->tid, cpu);
	x.top = s->depth ? s->sym[s->depth - 1] : 0;
	x.triple = hash2(hash2(c->sym[0], c->sym[1]), x.top << 1 | x.changed);

	uint32_t sym = code_symbol(m, rc, decode, &key, c, &x);
	uint32_t nargs = key & 7;
	if (decode && (sym == BAD_SYMBOL || (key >> 3 & 3) >= AYP_EVENT_KINDS ||
			      nargs > AYP_EVENT_MAX_ARGS))
		return false;
	if (sym)
		follow_call(m, s, sym);

	uint64_t t_ns = code_time(m, rc, decode, decode ? 0 : in->t_ns, c, sym, x.top);
	uint32_t check = check_add(check_add(m->check, t_ns), (uint64_t)key << 32 | c->tid);
	for (uint32_t i = 0; i < nargs; i++) {
		args[i] = code_arg(m, rc, decode, decode ? 0 : in->arg[i], sym, i, c->tid);
		check = check_add(check, args[i]);
	}

	m->check = check;
	m->newest_ns = t_ns;
	c->has_hint = nargs > 0;
	c->hint = nargs > 0 ? (uint32_t)args[0] : 0;
	c->t_ns = t_ns;
	c->seen = true;
	c->sym[2] = c->sym[1];
	c->sym[1] = c->sym[0];
	c->sym[0] = (uint16_t)sym;
	if (decode) {
		*out = (struct ayp_event){
			.t_ns = t_ns,
			.tid = c->tid,
			.func = (uint16_t)(key >> 5),
			.cpu = (uint8_t)cpu,
			.kind = key >> 3 & 3,
			.nargs = (uint8_t)nargs,
		};
		memcpy(out->arg, args, nargs * sizeof(args[0]));
	}
	return true;
}

void ad_encode_event(struct ad_model *m, struct range_coder *rc, const struct ayp_event *e)
{
	struct range_coder copy = *rc;

	(void)code_event(m, &copy, false, e, NULL, e->cpu);
	*rc = copy;
}

bool ad_decode_event(struct ad_model *m, struct range_coder *rc, struct ayp_event *e)
{
	struct range_coder copy = *rc;
	bool ok = code_event(m, &copy, true, NULL, e, e->cpu);

	*rc = copy;
	return ok;
}
