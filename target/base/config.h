/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the user asked for, complete and checked before anything starts. Filled by options.c from
 * the command line and a file; passed on as `const struct config *`.
 */
#ifndef TARGET_BASE_CONFIG_H
#define TARGET_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum run_mode { MODE_UART, MODE_LOG, MODE_SERVE, MODE_BOTH, MODE_AUTO };
enum link_mode { LINKMODE_AUTO, LINKMODE_ONEWAY, LINKMODE_RELIABLE };
enum framing_mode { FRAMING_BINARY, FRAMING_TEXT };
enum kmsg_mode { KMSG_OFF, KMSG_NEW, KMSG_ALL };
enum replay_rate { REPLAY_MAX, REPLAY_REALTIME };

enum probe_spec_type {
	SPEC_KERNEL,     /* k:GLOB */
	SPEC_USER,       /* u:PATH:GLOB */
	SPEC_TRACEPOINT, /* t:CATEGORY:NAME, NAME may be a glob */
};

struct probe_spec {
	enum probe_spec_type type;
	char *path; /* SPEC_USER: binary; SPEC_TRACEPOINT: category; else NULL */
	char *glob;
	const char *text; /* as the user wrote it, for messages */
};

/* Largest frame_bytes with FRAMING_TEXT: its lines, and all others, stay below the 4095 characters
 * that a terminal in canonical mode holds (N_TTY). */
#define TEXT_FRAME_BYTES_MAX 2300u

struct config {
	/* line */
	const char *tty; /* NULL if none was given */
	uint32_t baud;   /* 0: what the device has */
	bool rtscts;
	enum link_mode link;
	enum framing_mode framing; /* of the serial line */
	enum run_mode mode;
	const char *output_file;
	const char *listen_addr;
	uint16_t listen_port;
	bool quiet_console; /* only emergencies on the kernel's consoles while running */
	enum kmsg_mode
		kmsg; /* the kernel's log as records: from now on, or from the oldest there is */
	/* probes */
	char **modules; /* names as given; NULL with n_modules 0: the default set; "none" gives
			   n_modules 0 and no_modules */
	size_t n_modules;
	bool no_modules;
	struct probe_spec *probes;
	size_t n_probes;
	bool strict_probes;    /* one of them that finds nothing is an error */
	uint32_t sample_hz;    /* stack samples per second and CPU */
	char **xdp_interfaces; /* NULL: all that are up */
	size_t n_xdp_interfaces;
	size_t ring_bytes;      /* kernel ring buffer, a power of two; never 0 */
	size_t mem_table_bytes; /* for followed allocations, in the kernel; never 0 */
	const char *mechanism;  /* attach by this mechanism only, e.g. "kprobe"; NULL: the best that
				  works */
	bool unsafe;            /* also functions that every probe runs through */
	uint32_t return_slots;  /* kprobe, kprobe.multi: calls of a function at once whose returns
				  are seen; 0: by the memory */
	const char *btf; /* type information for a kernel that has none: a file, a directory; NULL:
			    what is found */
	/* run */
	double duration_s; /* 0: until told */
	uint32_t interval_ms;
	uint64_t resolution_ns;
	size_t spool_mem;
	size_t frame_bytes; /* size of event frames to aim for; 0: chosen by the line's rate */
	const char *replay_file;
	const char *replay_names;
	enum replay_rate replay_rate;
	const char *summary_json;
	int verbose;
	char **command; /* NULL-terminated argv, or NULL */
	/* instead of a run */
	bool check;
	bool list_modules;
	const char *list_functions; /* glob or NULL */
};

#endif
