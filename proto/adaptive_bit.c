/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/adaptive_bit.h"

/* round(4096 / (1 + exp(-(i - 16) / 2))), at most 4095: the logistic function at every 128th logit.
 */
static const int16_t knots[33] = {
	1,
	2,
	4,
	6,
	10,
	17,
	27,
	45,
	74,
	120,
	194,
	311,
	488,
	747,
	1102,
	1546,
	2048,
	2550,
	2994,
	3349,
	3608,
	3785,
	3902,
	3976,
	4022,
	4051,
	4069,
	4079,
	4086,
	4090,
	4092,
	4094,
	4095,
};

void bit_tables_init(struct bit_tables *t)
{
	int logit = -LOGIT_MAX;

	for (int i = 0; i < 4096; i++) {
		int knot = i >> 7, part = i & 127;

		t->squash[i] =
			(int16_t)((knots[knot] * (128 - part) + knots[knot + 1] * part + 64) >> 7);
	}
	/* The inverse: the first logit whose probability reaches p. */
	for (int p = 0; p < 4096; p++) {
		while (logit < LOGIT_MAX && t->squash[logit + LOGIT_MAX + 1] < p)
			logit++;
		t->stretch[p] = (int16_t)logit;
	}
	for (unsigned int uses = 0; uses <= SLOT_MAX_USES; uses++)
		t->rate[uses] = (uint16_t)(655360u / (10 * uses + 16));
}

void bit_model_reset(struct bit_model *m)
{
	for (uint32_t i = 0; i < SLOT_COUNT; i++)
		m->slot[i] = SLOT_FRESH;
	for (uint32_t s = 0; s < BIT_WEIGHTS; s++)
		m->weight[s][0] = m->weight[s][1] = BIT_INITIAL;
	for (uint32_t s = 0; s < BIT_SINGLES; s++)
		m->single[s] = BIT_UNIT;
}
