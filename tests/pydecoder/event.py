# SPDX-License-Identifier: MIT OR Apache-2.0
"""What all codecs of event blocks decode to (PROTOCOL.md sections 6 and 13)."""
from collections import namedtuple

ARGUMENTS_MAX = 6
MASK64 = (1 << 64) - 1

Event = namedtuple("Event", "t_ns tid func cpu kind args")
