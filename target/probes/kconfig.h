/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The running kernel's configuration, where it can be read. */
#ifndef TARGET_PROBES_KCONFIG_H
#define TARGET_PROBES_KCONFIG_H

/* 1: the option is y or m; 0: it is not set; -1: this kernel does not say. */
int kconfig_get(const char *option);

#endif
