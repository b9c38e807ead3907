/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Modules whose parts are a few programs that attach by themselves. */
#include "target/probes/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "target/base/log.h"

bool mechanism_wanted(const struct probes *p, const char *mechanism)
{
	return !p->cfg->mechanism || !strcmp(p->cfg->mechanism, mechanism);
}

void report_live(struct module *m, const char *mechanism, uint32_t probes)
{
	char *have = m->report.mechanism;
	size_t n = strlen(have), len = strlen(mechanism);
	const char *at;

	m->report.attached += probes;
	for (at = strstr(have, mechanism); at; at = strstr(at + 1, mechanism))
		if ((at == have || at[-1] == '+') && (at[len] == '+' || !at[len]))
			return;
	snprintf(have + n, sizeof(m->report.mechanism) - n, "%s%s", n ? "+" : "", mechanism);
}

void report_failed(struct module *m, uint32_t probes, const char *fmt, ...)
{
	va_list args;

	m->report.failed += probes;
	if (m->report.note[0])
		return;
	va_start(args, fmt);
	vsnprintf(m->report.note, sizeof(m->report.note), fmt, args);
	va_end(args);
}

void check_line(
	const char *module, const char *part, const char *mechanism, int err, const char *detail)
{
	char text[200] = "works";

	if (err)
		why(err, mechanism, text, sizeof(text));
	printf("  %-11s %-9s %-13s %s%s%s\n", module, part, mechanism, text, detail[0] ? ": " : "",
		detail);
}

/* On success the programs and their links are the module's; on failure nothing is left. Returns the
 * number of attached programs or a negative errno. */
static int candidate_attach(struct module *m, const struct candidate *c)
{
	_Alignas(8) unsigned char own[OWN_PARAMS_MAX];
	size_t before = m->links.n;
	struct bpf_object *o;
	int err = 0, n;

	memcpy(own, m->own_params, sizeof(own));
	if (c->prepare)
		err = c->prepare(own);
	if (err)
		return err;
	o = object_load_own(c->image, c->programs, &m->p->maps, &m->p->params, own,
		m->ops->own_params_size, &err);
	if (!o)
		return err;
	for (n = 0; c->programs[n] && !err; n++)
		err = fd_list_add(&m->links, object_attach(o, c->programs[n]));
	if (err) {
		fd_list_cut(&m->links, before);
		bpf_object__close(o);
		return err;
	}
	err = programs_keep(&m->programs, o);
	return err ? err : n;
}

static bool part_attach(struct module *m, const struct part *part)
{
	const struct candidate *c;
	char text[128] = "no way to it on this machine";
	int n;

	for (c = part->candidates; c->mechanism; c++) {
		if (!mechanism_wanted(m->p, c->mechanism))
			continue;
		n = candidate_attach(m, c);
		if (n > 0) {
			log_detail("%s: %s by %s", m->ops->name, part->name, c->mechanism);
			report_live(m, c->mechanism, (uint32_t)n);
			return true;
		}
		why(n, c->mechanism, text, sizeof(text));
		log_detail("%s: %s by %s: %s", m->ops->name, part->name, c->mechanism, text);
	}
	report_failed(m, 1, "%s: %s", part->name, text);
	return false;
}

int module_plan(struct module *m)
{
	return m->ops->plan ? m->ops->plan(m) : 0;
}

int module_attach(struct module *m)
{
	const struct part *part;
	size_t live = 0;

	if (m->ops->attach)
		return m->ops->attach(m);
	for (part = m->ops->parts; part->name; part++)
		live += part_attach(m, part);
	return live ? 0 : -ENOTSUP;
}

int module_check(struct module *m)
{
	const struct candidate *c;
	const struct part *part;
	int works = 0, n;

	if (m->ops->check)
		return m->ops->check(m);
	for (part = m->ops->parts; part->name; part++)
		for (c = part->candidates; c->mechanism; c++) {
			n = candidate_attach(m, c);
			works += n > 0;
			check_line(m->ops->name, part->name, c->mechanism, n > 0 ? 0 : n, "");
			fd_list_cut(&m->links, 0);
			fd_list_free(&m->programs);
		}
	return works;
}

uint64_t no_misses(struct module *m)
{
	return 0;
}

uint64_t module_misses(struct module *m)
{
	return m->ops->misses ? m->ops->misses(m) : programs_misses(&m->programs);
}
