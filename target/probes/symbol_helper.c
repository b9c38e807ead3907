/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/symbol_helper.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "target/base/clock.h"
#include "target/probes/confine.h"
#include "target/base/foreign_file.h"
#include "target/probes/symbol_reader.h"
#include "target/base/usage.h"

#define PATIENCE_MS 5000
/* Questions about one process come together. */
#define MAPS_VALID_NS 100000000u
/* Files that were too much for a reader. */
#define BAD_FILES 32u

struct helper {
	struct process_maps maps;
	uint32_t tgid; /* whose maps they are; 0: nobody's */
	uint64_t read_ns;
	struct symbol_reader reader;
	struct symbol_file bad[BAD_FILES];
	uint64_t n_bad; /* ever */
	uint32_t answers, cpu_ms, peak_kb;
};

bool symbol_helper_called(int argc, char *const *argv)
{
	return argc == 1 && !strcmp(argv[0], SYMBOL_HELPER_NAME);
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Is it the file that is mapped? The kernel's list of mappings has the device of the file system,
 * and where that is made of others (btrfs, overlayfs before Linux 6.8) files have other devices,
 * without a major number. */
static bool is_mapped(const struct process_mapping *m, const struct stat *st)
{
	return st->st_ino == m->ino && (st->st_dev == m->dev || major(st->st_dev) == 0);
}

static bool opened(
	struct foreign_file *f, const char *path, const struct process_mapping *m, struct stat *st)
{
	if (foreign_file_open(f, path))
		return false;
	if (!fstat(f->fd, st) && is_mapped(m, st))
		return true;
	foreign_file_close(f);
	return false;
}

/*
 * The very file that is mapped, whatever its name leads to by now: /proc/PID/map_files. Where that
 * is not allowed (in a container) by its name, as the process sees it; a process can change what
 * its names lead to, so what is found must be that file.
 */
static bool open_mapped(struct helper *h, uint32_t tgid, const struct process_mapping *m,
	struct foreign_file *f, struct stat *st)
{
	static char path[PATH_MAX + 64];
	struct process_mapping wanted = *m;
	int n = snprintf(path, sizeof(path), "/proc/%" PRIu32 "/map_files/%" PRIx64 "-%" PRIx64,
		tgid, m->start, m->end);

	if (opened(f, path, &wanted, st))
		return true;
	n = snprintf(path, sizeof(path), "/proc/%" PRIu32 "/root", tgid);
	h->tgid = 0; /* the maps are read anew */
	return !process_maps_path(
		       &h->maps, tgid, wanted.start, path + n, sizeof(path) - (size_t)n) &&
	       opened(f, path, &wanted, st);
}

static bool is_bad(const struct helper *h, const struct symbol_file *file)
{
	uint64_t n = h->n_bad < BAD_FILES ? h->n_bad : BAD_FILES;

	for (uint64_t i = 0; i < n; i++)
		if (!memcmp(&h->bad[i], file, sizeof(*file)))
			return true;
	return false;
}

/* Names go to terminals. */
static void set_name(char *to, const char *from, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f ? '?' : from[i];
	to[i] = '\0';
}

static void look_into(
	struct helper *h, const struct foreign_file *f, uint64_t offset, struct symbol_answer *a)
{
	struct symbol_seen seen;

	if (is_bad(h, &a->file))
		return;
	if (!symbol_reader_ask(&h->reader, f->fd, offset, PATIENCE_MS, &seen)) {
		h->bad[h->n_bad++ % BAD_FILES] = a->file;
		return;
	}
	if (seen.err)
		return;
	a->begin = seen.place.begin;
	a->finish = seen.place.end;
	if (!seen.place.function)
		return;
	a->kind = SYMBOL_FUNCTION;
	set_name(a->name, seen.place.name, sizeof(a->name));
}

static void look_at_file(struct helper *h, uint32_t tgid, uint64_t address,
	const struct process_mapping *m, struct symbol_answer *a)
{
	struct foreign_file f;
	struct stat st;

	a->kind = SYMBOL_FILE;
	a->offset = a->begin = m->offset;
	a->finish = m->offset + (m->end - m->start);
	a->file = (struct symbol_file){.dev = m->dev, .ino = m->ino};
	if (!open_mapped(h, tgid, m, &f, &st))
		return;
	a->file = (struct symbol_file){st.st_dev, st.st_ino, (uint64_t)st.st_size,
		(int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec};
	look_into(h, &f, address - a->start + a->offset, a);
	foreign_file_close(&f);
}

/* ---- questions ------------------------------------------------------------------------------ */

static bool have_maps(struct helper *h, uint32_t tgid)
{
	uint64_t now = now_ns();

	if (h->tgid == tgid && now - h->read_ns < MAPS_VALID_NS)
		return true;
	h->tgid = 0;
	if (process_maps_read(&h->maps, tgid))
		return false;
	h->tgid = tgid;
	h->read_ns = now;
	return true;
}

/* To ask the kernel for it each time would be a part of the cost. */
static void tell_cost(struct helper *h, struct symbol_answer *a)
{
	if (h->answers++ % 16 == 0) {
		h->cpu_ms = (uint32_t)(usage_cpu_us() / 1000);
		h->peak_kb = (uint32_t)usage_peak_rss_kb();
	}
	a->cpu_ms = h->cpu_ms + h->reader.cpu_ms;
	a->peak_kb = h->peak_kb + h->reader.peak_kb;
	a->reader = (uint32_t)h->reader.pid;
	a->replaced = h->reader.replaced;
}

static void answer(struct helper *h, const struct symbol_question *q, struct symbol_answer *a)
{
	const struct process_mapping *m;

	memset(a, 0, sizeof(*a));
	a->id = q->id;
	a->kind = SYMBOL_GONE;
	if (have_maps(h, q->tgid)) {
		a->kind = SYMBOL_NO_FILE;
		a->layout = h->maps.layout;
		m = process_maps_find(&h->maps, q->address, &a->start, &a->end);
		set_name(a->owner, m ? m->owner : "[anonymous]", sizeof(a->owner));
		if (m) {
			a->start = m->start;
			a->end = m->end;
		}
		if (m && m->file)
			look_at_file(h, q->tgid, q->address, m, a);
	}
	tell_cost(h, a);
}

int symbol_helper_run(void)
{
	static struct helper h;
	static struct symbol_answer a;
	struct symbol_question q;
	ssize_t n;

	prctl(PR_SET_NAME, "ayaprof-symbols");
	confine_opener();
	signal(SIGCHLD, SIG_IGN);
	symbol_reader_init(&h.reader);
	while ((n = recv(0, &q, sizeof(q), 0)) == sizeof(q) || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		answer(&h, &q, &a);
		if (send(0, &a, sizeof(a), MSG_NOSIGNAL) != sizeof(a))
			break;
	}
	symbol_reader_stop(&h.reader);
	return 0;
}
