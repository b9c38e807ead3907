/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a recorder already has: frames by sequence number, and payloads that a board says again and
 * again for hosts that attach late. Fixed size, whatever arrives; forgetting stores something
 * twice, which every reader of recordings copes with.
 */
#ifndef HOST_SEEN_H
#define HOST_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing/framing.h"

#define SEEN_SESSIONS 4u
#define SEEN_WINDOW   16384u /* sequence numbers looked back */
#define SEEN_NEAR     4096u  /* and ahead, for one that is expected */
#define SEEN_PAYLOADS 4096u
/* Identical payloads are stored again after so long, so that damage to the file costs one stretch.
 */
#define SEEN_AGAIN_NS UINT64_C(60000000000)

struct seen_session {
	bool used;
	uint32_t session, newest;
	uint64_t touched;
	uint64_t bits[SEEN_WINDOW / 64];
};

struct seen_payload {
	uint64_t hash, at_ns;
	uint32_t session, crc, len;
	bool used;
};

struct seen {
	struct seen_session sessions[SEEN_SESSIONS];
	uint64_t clock;
	struct seen_payload payloads[SEEN_PAYLOADS];
};

void seen_init(struct seen *s);
/* Was this frame here before? Remembers it. */
bool seen_frame(struct seen *s, const struct framing_header *h);
/* Could this frame be one that has not come yet: its session is known, its number is near the newest? */
bool seen_expects(const struct seen *s, const struct framing_header *h);
/* Is its number lower than one that its session has had? */
bool seen_is_late(const struct seen *s, const struct framing_header *h);
/* Was this payload stored in the last SEEN_AGAIN_NS, same kind, same session? Remembers it if not.
 */
bool seen_payload(struct seen *s, const struct framing_header *h, const uint8_t *payload,
	size_t len, uint64_t now_ns);

#endif
