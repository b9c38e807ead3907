/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A place on disk for what is too much for memory and nobody else is to see. */
#ifndef HOST_TEMP_FILE_H
#define HOST_TEMP_FILE_H

/* A file without a name, empty, to be read and written: in $TMPDIR, or else where large ones belong. It is gone
 * when it is closed. Returns the descriptor or a negative errno. */
int temp_file_open(void);

#endif
