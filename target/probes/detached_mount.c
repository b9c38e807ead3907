/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/detached_mount.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/mount.h>

int detached_mount(const char *type)
{
	int context, fd = -1, err = 0;

	context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = -errno;
	if (!err) {
		fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
		if (fd < 0)
			err = -errno;
	}
	close(context);
	return err ? err : fd;
}
