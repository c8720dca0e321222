"""What the host hears about one run, on a socket that the program never gets to see."""

from __future__ import annotations

import struct

FORKED = b"F"  # WHEN follows, and the child's pidfd comes with it
FAILED = b"!"  # the sandbox could not be set up: a text follows
RUNNING = b"R"  # a program is compiled, and starts now: WHEN follows
ENDED = b"E"  # USAGE follows
USAGE = struct.Struct("iQdd")  # wait status, peak resident KiB, seconds of processor time, and WHEN
WHEN = struct.Struct("d")  # by the monotonic clock, which all processes share: the host may hear of it late
