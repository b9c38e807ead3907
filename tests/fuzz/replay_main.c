/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Runs a fuzz target over files and directories, without libFuzzer: replay_NAME PATH...
 * One TAP test. A directory that is not there counts as empty; a target without any input fails.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_ROOM (1u << 20)

static unsigned int inputs;

static int replay_file(const char *path)
{
	/* Its own allocation of just that size: a sanitizer then sees a read past the end. */
	uint8_t *data = malloc(INPUT_ROOM), *exact;
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!data || !f) {
		printf("# cannot read %s: %s\n", path, strerror(errno));
		free(data);
		return -1;
	}
	n = fread(data, 1, INPUT_ROOM, f);
	fclose(f);
	exact = malloc(n ? n : 1);
	if (!exact) {
		free(data);
		return -1;
	}
	memcpy(exact, data, n);
	free(data);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	inputs++;
	return 0;
}

static int replay(const char *path)
{
	DIR *dir = opendir(path);
	int err = 0;

	if (!dir)
		return errno == ENOTDIR ? replay_file(path) : errno == ENOENT ? 0 : -1;
	for (struct dirent *e; (e = readdir(dir));) {
		char file[4096];
		int n = snprintf(file, sizeof(file), "%s/%s", path, e->d_name);

		if (e->d_name[0] == '.')
			continue;
		if (n >= (int)sizeof(file) || replay_file(file) < 0)
			err = -1;
	}
	closedir(dir);
	return err;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	int err = 0;

	name = name ? name + 1 : argv[0];
	puts("1..1");
	fflush(stdout);
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) < 0)
			err = 1;
	if (inputs == 0)
		err = 1;
	printf("%s 1 - %s: %u inputs\n", err ? "not ok" : "ok", name, inputs);
	return err;
}
