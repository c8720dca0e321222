"""What the host hears about one run, on a socket that the program never gets to see."""

from __future__ import annotations

import struct

FORKED = b"F"  # with the child's pidfd
FAILED = b"!"  # the sandbox could not be set up: a text follows
RUNNING = b"R"  # a program is compiled, and starts now
ENDED = b"E"  # USAGE follows
USAGE = struct.Struct("iQd")  # wait status, peak resident KiB, seconds of processor time
