/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/program_watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "target/base/log.h"

struct watched_program {
	char *path;
	bool reported; /* or cannot be looked at */
	struct stat then;
};

int program_watch_add(struct program_watch *w, const char *path)
{
	struct watched_program *grown, *p;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!strcmp(w->at[i].path, path))
			return 0;
	grown = realloc(w->at, (w->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	w->at = grown;
	p = &grown[w->n];
	*p = (struct watched_program){.path = strdup(path)};
	if (!p->path)
		return -ENOMEM;
	p->reported = stat(path, &p->then) != 0;
	w->n++;
	return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void program_watch_look(struct program_watch *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct watched_program *p = &w->at[i];
		struct stat now;
		bool gone;

		if (p->reported)
			continue;
		gone = stat(p->path, &now) != 0;
		if (!gone && same_file(&p->then, &now) && same_content(&p->then, &now))
			continue;
		p->reported = true;
		if (gone)
			log_warn("%s was removed while it is traced: what still runs of it is "
				 "seen, a new "
				 "one there is not",
				p->path);
		else if (!same_file(&p->then, &now))
			log_warn("%s was replaced while it is traced: what runs of the old one is "
				 "seen, the "
				 "new one is not; start again to trace it",
				p->path);
		else
			log_warn("%s was written over while it is traced: its functions may be "
				 "elsewhere now; "
				 "stop, and start again",
				p->path);
	}
}

void program_watch_free(struct program_watch *w)
{
	while (w->n)
		free(w->at[--w->n].path);
	free(w->at);
	*w = (struct program_watch){0};
}
