/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is done with a message of each kind. All return 0 or -ENOMEM; the message is decoded, its
 * session is understood.
 */
#ifndef HOST_TRACE_HANDLERS_H
#define HOST_TRACE_HANDLERS_H

struct session;
struct trace;

/* known.c */
int know_hello(struct session *s, const void *msg);
int know_names(struct session *s, const void *msg);
int know_stacks(struct session *s, const void *msg);
int know_events(struct session *s, const void *msg);
int know_samples(struct session *s, const void *msg);
int know_aggregates(struct session *s, const void *msg);
int know_loss(struct session *s, const void *msg);
int know_status(struct session *s, const void *msg);
int know_goodbye(struct session *s, const void *msg);
int know_log(struct session *s, const void *msg);

/* given.c */
int give_events(struct session *s, const void *msg);
int give_samples(struct session *s, const void *msg);
int give_log(struct session *s, const void *msg);

/* runs.c */
int know_recording(struct trace *t, const void *msg);
int know_line_event(struct trace *t, const void *msg);
int know_recording_end(struct trace *t, const void *msg);

#endif
