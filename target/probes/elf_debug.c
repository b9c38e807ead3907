/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/elf_debug.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "target/probes/elf_debugdata.h"

#define DEBUG_DIR "/usr/lib/debug"
#define ID_MAX    64u

struct search {
	struct foreign_elf *program;
	struct elf_looked *looked;
	uint8_t id[ID_MAX];
	size_t id_bytes;
	char root[64];          /* "/proc/PID/root", or "" */
	char dir[PATH_MAX + 1]; /* the program's, without the root */
	char link[256];         /* what .gnu_debuglink says; "" */
	uint32_t crc;
	bool have_crc;
};

static void refuse(struct search *s, const char *what, const char *why)
{
	if (!s->looked->debug_no[0])
		snprintf(s->looked->debug_no, sizeof(s->looked->debug_no), "%.160s: %s", what, why);
}

/* The same bytes as when the program was stripped (GDB manual, "Debugging Information in Separate
 * Files"). */
static bool same_crc(struct foreign_elf *f, uint32_t crc)
{
	const struct foreign_file *file = foreign_elf_file(f);
	uint64_t at;
	size_t n;
	uint8_t bytes[16384];
	uLong sum = crc32(0, NULL, 0);

	for (at = 0; at < file->size; at += n) {
		n = file->size - at < sizeof(bytes) ? (size_t)(file->size - at) : sizeof(bytes);
		if (foreign_file_read(file, at, bytes, n))
			return false;
		sum = crc32(sum, bytes, (uInt)n);
	}
	return sum == crc;
}

static bool belongs(struct search *s, struct foreign_elf *f)
{
	uint8_t id[ID_MAX];
	size_t n = foreign_elf_build_id(f, id, sizeof(id));

	if (s->id_bytes && n)
		return n == s->id_bytes && !memcmp(id, s->id, n);
	return s->have_crc && same_crc(f, s->crc);
}

static bool try_file(struct search *s, const char *path, struct foreign_elf **out)
{
	int err = foreign_elf_open(out, path);
	GElf_Shdr sh;

	if (err) {
		if (err != -ENOENT && err != -ENOTDIR)
			refuse(s, path, err == -ENOEXEC ? "no ELF file" : foreign_file_why(err));
		return false;
	}
	if (!belongs(s, *out))
		refuse(s, path, "belongs to another build of the program");
	else if (!foreign_elf_find(*out, NULL, SHT_SYMTAB, &sh))
		refuse(s, path, "has no symbols either");
	else {
		snprintf(s->looked->debug, sizeof(s->looked->debug), "%s", path);
		return true;
	}
	foreign_elf_close(*out);
	*out = NULL;
	return false;
}

static bool by_build_id(struct search *s, const char *root, struct foreign_elf **out)
{
	char hex[2 * ID_MAX + 1], path[PATH_MAX];
	size_t i;

	if (s->id_bytes < 2)
		return false;
	for (i = 0; i < s->id_bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", s->id[i]);
	snprintf(path, sizeof(path), "%s" DEBUG_DIR "/.build-id/%.2s/%s.debug", root, hex, hex + 2);
	return try_file(s, path, out);
}

static bool by_link(struct search *s, const char *root, struct foreign_elf **out)
{
	static const char *const forms[] = {"%s%s%s/%s", "%s%s%s/.debug/%s"};
	char path[3 * PATH_MAX];
	size_t i;

	if (!s->link[0])
		return false;
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), forms[i & 1], root, i == 2 ? DEBUG_DIR : "", s->dir,
			s->link);
		if (try_file(s, path, out))
			return true;
	}
	return false;
}

/* A file name, padding to 4, a CRC. */
static void read_link(struct search *s)
{
	GElf_Shdr sh;

	if (!foreign_elf_find(s->program, ".gnu_debuglink", 0, &sh) ||
		!foreign_elf_string(s->program, &sh, 0, s->link, sizeof(s->link)))
		return;
	/* A name, not a way to somewhere else. */
	if (strchr(s->link, '/'))
		s->link[0] = '\0';
	s->have_crc = !foreign_elf_number(
		s->program, sh.sh_offset + ((strlen(s->link) + 4) & ~3ull), 4, &s->crc);
}

static void find_places(struct search *s, const char *path)
{
	const char *in_root = path, *slash;
	unsigned int pid;
	int n = 0;

	if (sscanf(path, "/proc/%u/root%n", &pid, &n) == 1 && n && path[n] == '/') {
		snprintf(s->root, sizeof(s->root), "%.*s", n, path);
		in_root = path + n;
	}
	slash = strrchr(in_root, '/');
	snprintf(s->dir, sizeof(s->dir), "%.*s", slash ? (int)(slash - in_root) : 0, in_root);
}

static bool find_file(struct search *s, struct foreign_elf **out)
{
	/* Outside only by the build id: another file of the same path is somebody else's. */
	return by_build_id(s, s->root, out) || (s->root[0] && by_build_id(s, "", out)) ||
	       by_link(s, s->root, out);
}

int elf_debug_open(struct foreign_elf *program, const char *path, struct foreign_elf **debug,
	struct elf_looked *looked)
{
	struct search *s = calloc(1, sizeof(*s));
	int err = -ENOENT;

	*debug = NULL;
	if (!s)
		return -ENOMEM;
	s->program = program;
	s->looked = looked;
	s->id_bytes = foreign_elf_build_id(program, s->id, sizeof(s->id));
	find_places(s, path);
	read_link(s);
	if (find_file(s, debug)) {
		err = 0;
	} else {
		err = elf_debugdata_open(program, debug);
		if (!err)
			snprintf(looked->debug, sizeof(looked->debug), ".gnu_debugdata");
		else if (err != -ENOENT)
			refuse(s, ".gnu_debugdata", elf_debugdata_why(err));
	}
	free(s);
	return *debug ? 0 : err == -ENOMEM ? err : -ENOENT;
}
