/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Descriptors that belong together and are closed together. */
#ifndef TARGET_PROBES_FD_LIST_H
#define TARGET_PROBES_FD_LIST_H

#include <stddef.h>

struct fd_list {
	int *fd;
	size_t n, cap;
};

/* Takes fd over; on -ENOMEM it has been closed. A negative fd is returned as it is. */
int fd_list_add(struct fd_list *l, int fd);
/* Close all from index `keep` on. */
void fd_list_cut(struct fd_list *l, size_t keep);
/* Close all and release the memory. Closing an attachment waits for the kernel each time (20-150
 * ms), so many are closed side by side. */
void fd_list_free(struct fd_list *l);

#endif
