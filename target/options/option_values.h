/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What each option does with its value: the functions in the table of options.c. */
#ifndef TARGET_OPTIONS_OPTION_VALUES_H
#define TARGET_OPTIONS_OPTION_VALUES_H

#include "target/options/options.h"

#define OPTION_SETTER(name) int set_##name(struct options *o, const char *value, char *why)

OPTION_SETTER(tty);
OPTION_SETTER(baud);
OPTION_SETTER(flow);
OPTION_SETTER(link);
OPTION_SETTER(frame_bytes);
OPTION_SETTER(framing);
OPTION_SETTER(quiet_console);
OPTION_SETTER(kmsg);
OPTION_SETTER(mode);
OPTION_SETTER(output_file);
OPTION_SETTER(listen);
OPTION_SETTER(module);
OPTION_SETTER(probe);
OPTION_SETTER(strict_probes);
OPTION_SETTER(mechanism);
OPTION_SETTER(return_slots);
OPTION_SETTER(unsafe);
OPTION_SETTER(btf);
OPTION_SETTER(sample_hz);
OPTION_SETTER(xdp_iface);
OPTION_SETTER(resolution);
OPTION_SETTER(interval);
OPTION_SETTER(duration);
OPTION_SETTER(spool_mem);
OPTION_SETTER(spool_file);
OPTION_SETTER(ring_size);
OPTION_SETTER(memory_table);
OPTION_SETTER(summary_json);
OPTION_SETTER(replay);
OPTION_SETTER(names);
OPTION_SETTER(replay_rate);
OPTION_SETTER(config);
OPTION_SETTER(check);
OPTION_SETTER(list_modules);
OPTION_SETTER(list_functions);
OPTION_SETTER(verbose);
OPTION_SETTER(version);
OPTION_SETTER(help);

/* 4 MiB, or less where that were more than 1/32 of the memory (bytes; 0: not known). The ring is a
 * power of two. */
size_t default_ring_bytes(uint64_t memory);
size_t default_memory_table(uint64_t memory);
size_t default_spool_bytes(uint64_t memory);

#endif
