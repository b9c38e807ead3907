/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The configuration file: `option = value` a line, names as on the command line without dashes.
 * Comments begin with # at the start of a line or after a blank; "quotes" keep what is in them;
 * [section] lines only structure. */
#include "target/options/options.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "target/base/log.h"

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

static void cut_comment(char *line)
{
	bool quoted = false;

	for (char *p = line; *p; p++) {
		quoted ^= *p == '"';
		if (*p == '#' && !quoted && (p == line || isspace((unsigned char)p[-1]))) {
			*p = '\0';
			return;
		}
	}
}

static char *unquote(char *text)
{
	size_t len = strlen(text);

	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return text;
	text[len - 1] = '\0';
	return text + 1;
}

static int refuse(char *why, const char *reason)
{
	snprintf(why, OPTIONS_WHY, "%s", reason);
	return -EINVAL;
}

static int read_line(struct options *o, char *line, char *why)
{
	char *key, *value;
	int row;

	cut_comment(line);
	key = trim(line);
	if (!*key || (key[0] == '[' && key[strlen(key) - 1] == ']'))
		return 0;
	value = strchr(key, '=');
	if (!value)
		return refuse(why, "expected option = value");
	*value++ = '\0';
	key = trim(key);
	row = option_index(key);
	if (row < 0)
		return refuse(
			why, "no such option; the names are those of --help without the dashes");
	if (option_rows[row].not_in_file)
		return refuse(why, "this option is for the command line only");
	return option_set(o, row, unquote(trim(value)), why);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* Editors of other systems put it in front of UTF-8. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define LINE_BYTES      4096u

/* The next line into `line`, without its end. 1, 0: there is none, or a negative errno with
 * `why`. */
static int take_line(FILE *file, char *line, char *why)
{
	size_t len = 0;
	int c;

	while ((c = getc(file)) != EOF && c != '\n') {
		if (c == '\0')
			return refuse(why,
				"a NUL byte: this is no text, or text in UTF-16; save it as "
				"UTF-8");
		if (len == LINE_BYTES - 1)
			return refuse(why, "a line of more than 4095 bytes");
		line[len++] = (char)c;
	}
	if (c == EOF && !len)
		return 0;
	if (len && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	if (memchr(line, '\r', len))
		return refuse(why, "a carriage return inside of a line; lines end in LF or CR LF");
	if (!strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)))
		memmove(line, line + strlen(BYTE_ORDER_MARK), len - strlen(BYTE_ORDER_MARK) + 1);
	else if (!strncmp(line, "\xff\xfe", 2) || !strncmp(line, "\xfe\xff", 2))
		return refuse(why, "text in UTF-16; save it as UTF-8");
	return 1;
}

int options_read_file(struct options *o, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES] = "", why[OPTIONS_WHY];
	unsigned int number = 0;
	int err = 0, got = 0;

	if (!file) {
		err = -errno;
		log_error("cannot read %s: %s; check -c", path, strerror(-err));
		return err;
	}
	while (!err && (number++, got = take_line(file, line, why)) > 0)
		err = read_line(o, line, why);
	if (err) {
		log_error("%s:%u: %.60s: %s", path, number, trim(line), why);
	} else if (got < 0) {
		err = got;
		log_error("%s:%u: %s", path, number, why);
	} else if (ferror(file)) {
		err = -EIO;
		log_error("cannot read %s: it is not a readable file; check -c", path);
	}
	fclose(file);
	return err;
}
