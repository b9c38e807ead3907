/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/process_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "target/probes/intern.h"

#define CHUNK 16384u

void process_maps_begin(struct process_maps *m)
{
	m->n = m->len = m->text = 0;
	m->layout = m->known = m->wanted = 0;
	m->path = NULL;
	m->full = false;
}

/* ---- a line --------------------------------------------------------------------------------- */

/* A number and the character behind it. */
static bool number(const char **at, unsigned int base, char stop, uint64_t *value)
{
	const char *from = *at;

	for (*value = 0;; (*at)++) {
		char c = **at;
		unsigned int digit = c >= '0' && c <= '9'   ? (unsigned int)(c - '0')
				     : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10
							    : 16;

		if (digit >= base)
			break;
		if (*value > (UINT64_MAX - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	return *at != from && *(*at)++ == stop;
}

/* "START-END PERM OFFSET MAJOR:MINOR INODE   PATH"; *path is left at PATH. */
static bool parse(const char *line, struct process_mapping *m, bool *executable, const char **path)
{
	uint64_t major, minor;

	if (!number(&line, 16, '-', &m->start) || !number(&line, 16, ' ', &m->end) ||
		strnlen(line, 5) < 5 || line[4] != ' ' || m->start >= m->end)
		return false;
	*executable = line[2] == 'x';
	line += 5;
	if (!number(&line, 16, ' ', &m->offset) || !number(&line, 16, ':', &major) ||
		!number(&line, 16, ' ', &minor))
		return false;
	/* What has no path may have no blank behind its number. */
	*path = line + strspn(line, "0123456789");
	if (*path == line || *path - line > 20 || (**path && **path != ' '))
		return false;
	for (m->ino = 0; line < *path; line++)
		m->ino = m->ino * 10 + (uint64_t)(*line - '0');
	*path += strspn(*path, " ");
	m->dev = makedev((unsigned int)major, (unsigned int)minor);
	return true;
}

static void set_owner(struct process_mapping *m, const char *path, bool whole)
{
	static const char deleted[] = " (deleted)";
	size_t n = strlen(path), tail = sizeof(deleted) - 1;
	const char *last = strrchr(path, '/');

	m->file = m->ino && *path == '/';
	if (!whole)
		path = "[path too long]";
	else if (!*path)
		path = "[anonymous]";
	else if (*path == '/')
		path = last + 1;
	n = strlen(path);
	if (m->file && n > tail && !strcmp(path + n - tail, deleted))
		n -= tail;
	if (n >= sizeof(m->owner))
		n = sizeof(m->owner) - 1;
	memset(m->owner, 0, sizeof(m->owner));
	memcpy(m->owner, path, n);
}

static void take_path(
	struct process_maps *m, const struct process_mapping *mapping, const char *path, bool whole)
{
	if (m->path && whole && mapping->start <= m->wanted && m->wanted < mapping->end &&
		(size_t)snprintf(m->path, m->path_size, "%s", path) >= m->path_size)
		m->path[0] = '\0';
}

static void end_line(struct process_maps *m)
{
	bool whole = m->len < sizeof(m->line), executable;
	struct process_mapping mapping;
	const char *path;

	m->line[whole ? m->len : sizeof(m->line) - 1] = '\0';
	m->len = 0;
	if (!parse(m->line, &mapping, &executable, &path))
		return;
	take_path(m, &mapping, path, whole);
	/* They come by address; what does not is none of the kernel's. */
	if (!executable || mapping.start < m->known)
		return;
	if (m->n == PROCESS_MAPS_MAX) {
		m->full = true;
		return;
	}
	set_owner(&mapping, path, whole);
	m->layout = intern_hash(m->layout, &mapping.start, 5 * sizeof(uint64_t));
	m->layout = intern_hash(m->layout, mapping.owner, sizeof(mapping.owner));
	m->known = mapping.end;
	m->at[m->n++] = mapping;
}

/* ---- text ----------------------------------------------------------------------------------- */

bool process_maps_feed(struct process_maps *m, const char *text, size_t len)
{
	m->text += len;
	while (len && !m->full) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len, room = sizeof(m->line) - m->len;

		memcpy(m->line + m->len, text, n < room ? n : room);
		m->len += n < room ? n : room;
		if (!end)
			break;
		end_line(m);
		text += n + 1;
		len -= n + 1;
	}
	if (m->text >= PROCESS_MAPS_TEXT)
		m->full = true;
	return !m->full;
}

void process_maps_end(struct process_maps *m)
{
	if (!m->full)
		m->known = UINT64_MAX;
}

static int read_text(struct process_maps *m, uint32_t tgid)
{
	char path[64], text[CHUNK];
	ssize_t n = 0;
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do
		n = read(fd, text, sizeof(text));
	while ((n < 0 && errno == EINTR) || (n > 0 && process_maps_feed(m, text, (size_t)n)));
	err = n < 0 ? -errno : 0;
	close(fd);
	process_maps_end(m);
	/* A process that has ended has no mappings any more. */
	return err ? err : m->text ? 0 : -ESRCH;
}

int process_maps_read(struct process_maps *m, uint32_t tgid)
{
	process_maps_begin(m);
	return read_text(m, tgid);
}

int process_maps_path(
	struct process_maps *m, uint32_t tgid, uint64_t address, char *path, size_t size)
{
	int err;

	process_maps_begin(m);
	m->wanted = address;
	m->path = path;
	m->path_size = size;
	path[0] = '\0';
	err = read_text(m, tgid);
	return err ? err : path[0] ? 0 : -ENOENT;
}

const struct process_mapping *process_maps_find(
	const struct process_maps *m, uint64_t address, uint64_t *begin, uint64_t *end)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->at[mid].end <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < m->n && m->at[lo].start <= address)
		return &m->at[lo];
	*begin = lo ? m->at[lo - 1].end : 0;
	*end = lo < m->n ? m->at[lo].start : UINT64_MAX;
	return NULL;
}
