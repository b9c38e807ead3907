/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Interrupts as calls on their CPU: hard, soft, timer; each part stands alone. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/irq.h"

/* Interrupts that appear while tracing (a module, a hot-plugged device), and the most we have ids
 * for. */
#define SPARE_IRQS 32
#define MAX_IRQS   1024

static const char *const softirq_names[AYP_SOFTIRQS] = {
	/* include/linux/interrupt.h, in this order since Linux 4.5 */
	"HI",
	"TIMER",
	"NET_TX",
	"NET_RX",
	"BLOCK",
	"IRQ_POLL",
	"TASKLET",
	"SCHED",
	"HRTIMER",
	"RCU",
};

static const char *const hard[] = {"hardirq_enter", "hardirq_exit", NULL};
static const char *const soft[] = {"softirq_enter", "softirq_exit", NULL};
static const char *const local_timer[] = {"local_timer_enter", "local_timer_exit", NULL};
static const char *const hrtimer[] = {"hrtimer_enter", "hrtimer_exit", NULL};

static const struct candidate hard_ways[] = {{"raw_tp", &image_irq, hard, NULL}, {0}};
static const struct candidate soft_ways[] = {{"raw_tp", &image_irq, soft, NULL}, {0}};
static const struct candidate timer_ways[] = {
	/* x86: the interrupt itself. Elsewhere the timer interrupt is a hard one, so show what it
	   runs. */
	{"raw_tp", &image_irq, local_timer, NULL},
	{"raw_tp", &image_irq, hrtimer, NULL},
	{0},
};
static const struct part parts[] = {
	{"hard", hard_ways},
	{"soft", soft_ways},
	{"timer", timer_ways},
	{0},
};

/* A line of /proc/interrupts: number, a count per CPU, controller, place and trigger, then the
 * handlers' names, which are its last word or words. */
static void set_irq_name(struct module *m, int base, unsigned int irq, char *line)
{
	char text[96];
	char *name;

	line[strcspn(line, "\n")] = '\0';
	name = strrchr(line, ' ');
	if (!name || !name[1] || name[1] == '-' || strstr(name, "-edge") ||
		strstr(name, "-level") || !strcmp(name, " Edge") || !strcmp(name, " Level"))
		snprintf(text, sizeof(text), "irq_%u", irq);
	else
		snprintf(text, sizeof(text), "irq_%u %.80s", irq, name + 1);
	names_set_func(
		m->p->names, (uint16_t)((unsigned int)base + irq), AYP_CLASS_HARDIRQ, text, NULL);
}

static int each_irq(struct module *m, int base, unsigned int count)
{
	FILE *f = fopen("/proc/interrupts", "re");
	unsigned int irq, max = 0;
	char line[4096];

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		char colon;

		if (sscanf(line, " %u%c", &irq, &colon) != 2 || colon != ':' || irq >= MAX_IRQS)
			continue;
		if (irq > max)
			max = irq;
		if (irq < count)
			set_irq_name(m, base, irq, line);
	}
	fclose(f);
	return (int)max;
}

static int plan_hard(struct module *m, struct ayp_irq_params *params)
{
	unsigned int count = (unsigned int)each_irq(m, 0, 0) + 1 + SPARE_IRQS, i;
	int base;
	char text[16];

	if (count > MAX_IRQS)
		count = MAX_IRQS;
	base = names_reserve_funcs(m->p->names, count);
	if (base < 0)
		return base;
	for (i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "irq_%u", i);
		names_set_func(m->p->names, (uint16_t)((unsigned int)base + i), AYP_CLASS_HARDIRQ,
			text, NULL);
	}
	each_irq(m, base, count);
	params->func_hardirq = (uint16_t)base;
	params->n_hardirq = (uint16_t)count;
	return 0;
}

static int plan(struct module *m)
{
	struct ayp_irq_params *params = OWN_PARAMS_OF(m);
	int base = plan_hard(m, params);
	char text[32];
	unsigned int i;

	if (base < 0)
		return base;
	base = names_reserve_funcs(m->p->names, AYP_SOFTIRQS);
	if (base < 0)
		return base;
	params->func_softirq = (uint16_t)base;
	for (i = 0; i < AYP_SOFTIRQS; i++) {
		snprintf(text, sizeof(text), "softirq_%s", softirq_names[i]);
		names_set_func(m->p->names, (uint16_t)((unsigned int)base + i), AYP_CLASS_SOFTIRQ,
			text, NULL);
	}
	base = names_add_func(m->p->names, AYP_CLASS_TIMER, "timer", NULL);
	if (base < 0)
		return base;
	params->func_timer = (uint16_t)base;
	return 0;
}

const struct module_ops module_irq = {
	.name = "irq",
	.summary = "interrupts: hard, soft, timer",
	.by_default = true,
	.own_params_size = sizeof(struct ayp_irq_params),
	.parts = parts,
	.plan = plan,
};
