/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/spec.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/demangle.h"
#include "target/base/log.h"

/* Is `name` what `glob` names exactly, and then something that begins with one of `after`? */
static bool is_shape_of(const char *glob, const char *name, const char *after)
{
	size_t n = strlen(glob);

	return n && !strncmp(glob, name, n) && name[n] && strchr(after, name[n]);
}

bool spec_matches(const char *glob, const char *name)
{
	return !fnmatch(glob, name, 0) || is_shape_of(glob, name, ".");
}

bool spec_matches_user(const char *glob, const char *symbol)
{
	char text[DEMANGLE_MAX];

	if (spec_matches(glob, symbol))
		return true;
	if (!demangle(symbol, false, text))
		return false;
	/* " [clone .constprop.0]", "<int>" */
	if (!fnmatch(glob, text, 0) || is_shape_of(glob, text, " <"))
		return true;
	return demangle(symbol, true, text) && !fnmatch(glob, text, 0);
}

const char *spec_wrong_pattern(const char *glob)
{
	const char *at, *end;

	for (at = glob; *at; at++) {
		if (*at == '\\') {
			if (!at[1])
				return "its last character is a \\ with nothing after it";
			at++;
			continue;
		}
		if (*at != '[')
			continue;
		/* A ] that comes first is one of the characters. */
		end = at[1] == '!' || at[1] == '^' ? at + 2 : at + 1;
		end = *end ? strchr(end + 1, ']') : NULL;
		if (!end)
			return "its [ has no ]; write \\[ for the character";
		at = end;
	}
	return NULL;
}

const char *spec_text(const struct probe_spec *spec)
{
	return spec->text ? spec->text : spec->glob;
}

void spec_missed(const struct config *cfg, const struct probe_spec *spec, const char *fmt, ...)
{
	char text[700];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (cfg->n_probes == 1 || cfg->strict_probes)
		log_error("%s: %s", spec_text(spec), text);
	else
		log_warn("%s: %s; left out", spec_text(spec), text);
}
