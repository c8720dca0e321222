"""Where the parts of a text stand: its lines, its solutions."""

from __future__ import annotations

from palaestra.envs.task import SOLUTION_DELIMITER

from .record import Span


def line_spans(text: str) -> tuple[Span, ...]:
    """Character ranges of the lines that hold something: one step each."""
    spans, start = [], 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            spans.append((start, start + len(line.rstrip("\r\n"))))
        start += len(line)
    return tuple(spans)


def solution_spans(text: str) -> tuple[Span, ...]:
    """Character ranges of the complete solutions, split where a line holds the delimiter alone."""
    if SOLUTION_DELIMITER not in text:
        return ((0, len(text)),)
    spans, start, offset = [], 0, 0
    for line in text.splitlines(keepends=True):
        if line.strip() == SOLUTION_DELIMITER:
            spans.append((start, offset))
            start = offset + len(line)
        offset += len(line)
    return (*spans, (start, len(text)))
