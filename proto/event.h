/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The event, the one record that everything between the collector and the views speaks of.
 *
 * Whatever happened, an event says when, in which thread, on which CPU and which *function* (an
 * id of the names table: a kernel or user function, a syscall, an interrupt, a tracepoint, a kind
 * of sample...). The function's class (enum ayp_class, sent with its name) says what its arguments
 * mean; the table in event.c is the only list of classes.
 */
#ifndef PROTO_EVENT_H
#define PROTO_EVENT_H

#include <stdint.h>
#include <stddef.h>

#define AYP_EVENT_MAX_ARGS 6u

enum ayp_event_kind {
	AYP_ENTRY = 0,
	AYP_EXIT = 1,
	AYP_INSTANT = 2,
	AYP_EVENT_KINDS = 3,
};

struct ayp_event {
	uint64_t t_ns; /* CLOCK_MONOTONIC of the board */
	uint32_t tid;  /* 0: the idle task of `cpu` */
	uint16_t func;
	uint8_t cpu;
	uint8_t kind;  /* enum ayp_event_kind */
	uint8_t nargs; /* arg[nargs..] are not valid */
	uint64_t arg[AYP_EVENT_MAX_ARGS];
};

/* The 16 bytes of PROTOCOL.md, section 6, "Recorded events"; arguments have no place there. */
#define AYP_RECORD_SIZE 16u
void ayp_record_write(uint8_t dst[AYP_RECORD_SIZE], const struct ayp_event *ev);
/* 0, or -1 if the record's kind is not one of enum ayp_event_kind. nargs becomes 0. */
int ayp_record_read(const uint8_t src[AYP_RECORD_SIZE], struct ayp_event *ev);

/* Class of a function id. Numbers are on the wire: append only. */
enum ayp_class {
	AYP_CLASS_UNKNOWN = 0,
	AYP_CLASS_KERNEL = 1, /* kernel function */
	AYP_CLASS_USER = 2,   /* user function; the name's owner is the binary's name */
	AYP_CLASS_SYSCALL = 3,
	AYP_CLASS_HARDIRQ = 4,
	AYP_CLASS_SOFTIRQ = 5,
	AYP_CLASS_TIMER = 6,      /* timer interrupt or expired timer */
	AYP_CLASS_TRACEPOINT = 7, /* instant */
	AYP_CLASS_SWITCH =
		8, /* instant in the thread that leaves; args: next tid, previous state */
	AYP_CLASS_SAMPLE = 9,  /* instant; args: stack id */
	AYP_CLASS_PACKET = 10, /* instant; args: ifindex, bytes, destination MAC << 16 | ethertype,
				  source MAC */
	AYP_CLASS_REPLAY = 11, /* from a recording whose names say no more */
	AYP_CLASS_COUNT
};

/* What an event's first argument is a number of, so that its name goes with it. */
enum ayp_arg_names {
	AYP_ARG_NUMBER = 0, /* of nothing */
	AYP_ARG_TASK = 1,
	AYP_ARG_IFACE = 2,
};

struct ayp_class_info {
	const char *name; /* as `kind` in stats --json and exports, e.g. "kernel" */
	const char *description;
	uint8_t nargs; /* arguments an event of this class carries */
	const char *arg_names[AYP_EVENT_MAX_ARGS];
	uint8_t first_arg; /* enum ayp_arg_names */
	uint8_t is_call;   /* entry and exit are paired into calls */
	uint8_t per_cpu;   /* belongs to the CPU rather than to the thread it interrupted */
};

/* Never NULL: unknown numbers give the row of AYP_CLASS_UNKNOWN. */
const struct ayp_class_info *ayp_class_info(unsigned int cls);

#endif
