"""The fenced blocks of a response: where code, queries, documents and plans stand in the middle of prose."""

from __future__ import annotations

import re
from collections.abc import Collection

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^`\r\n]*)\r?$", re.MULTILINE)


def last_fenced(response: str, languages: Collection[str]) -> str | None:
    """The content of the last closed block whose label is one of ``languages``; None when there is none.

    A block opens with a line of three or more backticks or tildes and a label, and closes with a line of at least as
    many of the same mark alone. The label is compared in lower case; ``""`` stands for a block without one. Blocks do
    not nest, and one that never closes does not count. Time is linear in the length of the response.
    """
    content = None
    mark = label = ""
    start = 0
    for fence in _FENCE.finditer(response):
        found, info = fence[1], fence[2].strip()
        if not mark:
            mark, label, start = found, info.lower(), fence.end() + 1
        elif not info and found.startswith(mark):
            if label in languages:
                content = response[start : max(start, fence.start() - 1)]
            mark = ""
    return content
