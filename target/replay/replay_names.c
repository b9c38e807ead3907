/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/replay/replay_names.h"

#include <errno.h>
#include <string.h>

#include "target/base/lines.h"
#include "target/base/log.h"
#include "target/base/parse.h"
#include "target/base/foreign_file.h"
#include "target/syscalls/syscalls.h"

/* Names as recorders of tracepoints write them. Functions of the kernel that merely begin alike
 * must not match (irq_enter_rcu is no interrupt, sys_fillrect no system call): `digits` asks for a
 * number after the prefix, and softirqs are spelled in capitals. */
enum rest { REST_NONE, REST_DIGITS, REST_CAPITALS };
static const struct {
	const char *prefix;
	enum rest rest;
	enum ayp_class cls;
} classes[] = {
	{"softirq_", REST_CAPITALS, AYP_CLASS_SOFTIRQ},
	{"irq_", REST_DIGITS, AYP_CLASS_HARDIRQ},
	{"local_timer", REST_NONE, AYP_CLASS_TIMER},
	{"sched_switch", REST_NONE, AYP_CLASS_SWITCH},
};

static bool rest_fits(const char *text, enum rest rest)
{
	static const char *const sets[] = {
		[REST_DIGITS] = "0123456789",
		[REST_CAPITALS] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_",
	};

	if (rest == REST_NONE)
		return text[0] == '\0';
	return text[0] && text[strspn(text, sets[rest])] == '\0';
}

enum ayp_class replay_guess_class(const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t n = strlen(classes[i].prefix);
		if (strncmp(name, classes[i].prefix, n) == 0 &&
			rest_fits(name + n, classes[i].rest))
			return classes[i].cls;
	}
	return syscalls_known(name) ? AYP_CLASS_SYSCALL : AYP_CLASS_REPLAY;
}

static int load_line(struct names *names, char *line)
{
	char *name = line + strcspn(line, " \t");
	uint64_t id;

	if (*name == '\0')
		return -EINVAL;
	*name++ = '\0';
	name += strspn(name, " \t");
	if (*name == '\0' || parse_u64(line, 0, NAMES_MAX_FUNCS - 1, &id))
		return -EINVAL;
	return names_set_func(names, (uint16_t)id, replay_guess_class(name), name, NULL);
}

int replay_names_load(struct names *names, const char *path)
{
	struct lines lines;
	int err = lines_open(&lines, path), more;

	if (err) {
		log_error("cannot read %s: %s; check --names", path, foreign_file_why(err));
		return err;
	}
	while (!err && (more = lines_next(&lines)) != 0) {
		lines.text[strcspn(lines.text, "\r")] = '\0';
		if (more < 0)
			err = more;
		else if (lines.text[0] && lines.text[0] != '#')
			err = load_line(names, lines.text);
	}
	if (err == -EINVAL)
		log_error("%s:%u: expected FUNC-ID NAME with an id up to %u", path, lines.number,
			NAMES_MAX_FUNCS - 1);
	else if (err)
		log_error("%s:%u: %s; check --names", path, lines.number, lines_why(err));
	lines_close(&lines);
	return err;
}
