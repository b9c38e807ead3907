/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/setup/mounts.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "target/base/log.h"

static const struct {
	const char *place, *type;
	unsigned int magic;
} wanted[] = {
	{"/proc", "proc", PROC_SUPER_MAGIC},
	{"/sys", "sysfs", SYSFS_MAGIC},
};
#define N_WANTED (sizeof(wanted) / sizeof(wanted[0]))

static char made[32];
static bool apart; /* in a namespace of our own */

static bool is_there(size_t i)
{
	struct statfs fs;

	return !statfs(wanted[i].place, &fs) && (unsigned int)fs.f_type == wanted[i].magic;
}

static int go_apart(void)
{
	if (apart)
		return 0;
	/* MS_PRIVATE: else what is mounted here would be mounted for all, where mounts are
	 * shared. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	apart = true;
	return 0;
}

static int mount_one(size_t i)
{
	int err = go_apart();

	if (err)
		return err;
	if (mount(wanted[i].type, wanted[i].place, wanted[i].type, MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    NULL))
		return -errno;
	return 0;
}

void mounts_complete(void)
{
	size_t i, n;
	int err;

	for (i = 0; i < N_WANTED; i++) {
		const char *place = wanted[i].place, *type = wanted[i].type;

		if (is_there(i))
			continue;
		err = mount_one(i);
		if (err == -ENOENT)
			log_warn("no %s and no place to mount it: mkdir %s && mount -t %s %s %s",
				place, place, type, type, place);
		else if (err)
			log_warn("no %s: mounting it: %s; as root: mount -t %s %s %s", place,
				strerror(-err), type, type, place);
		if (err)
			continue;
		n = strlen(made);
		snprintf(made + n, sizeof(made) - n, "%s%s", n ? ", " : "", place);
		log_detail("%s is not mounted: mounted for this program only", place);
	}
}

const char *mounts_made(void)
{
	return made;
}
