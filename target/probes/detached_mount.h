/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A file system of the kernel's that is mounted nowhere. */
#ifndef TARGET_PROBES_DETACHED_MOUNT_H
#define TARGET_PROBES_DETACHED_MOUNT_H

/* Mount `type` ("tracefs", "debugfs") as a descriptor only, of its directory, which the caller
 * closes: nobody else sees it (Linux 5.2, 24dcb3d90a1f). Or a negative errno. */
int detached_mount(const char *type);

#endif
