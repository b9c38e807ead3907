/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/base/lines.h"

#include <errno.h>
#include <string.h>

#include "target/base/foreign_file.h"

int lines_open(struct lines *l, const char *path)
{
	struct foreign_file f;
	int err = foreign_file_open(&f, path);

	l->number = 0;
	l->file = NULL;
	if (err)
		return err;
	l->file = fdopen(f.fd, "r");
	if (l->file)
		return 0;
	err = -errno;
	foreign_file_close(&f);
	return err;
}

int lines_next(struct lines *l)
{
	size_t n = 0;
	int c;

	while ((c = getc(l->file)) != EOF && c != '\n') {
		if (!c || n == sizeof(l->text) - 1) {
			l->number++;
			return c ? -E2BIG : -EILSEQ;
		}
		l->text[n++] = (char)c;
	}
	if (ferror(l->file))
		return errno ? -errno : -EIO;
	if (c == EOF && !n)
		return 0;
	l->text[n] = '\0';
	l->number++;
	return 1;
}

void lines_close(struct lines *l)
{
	if (l->file)
		fclose(l->file);
	l->file = NULL;
}

const char *lines_why(int err)
{
	if (err == -E2BIG)
		return "the line is too long";
	if (err == -EILSEQ)
		return "a NUL byte: it is not a text file";
	return strerror(-err);
}
