"""TensorBoard: a run's numbers as an event file, which `tensorboard --logdir RUN` shows. It needs no package.

The file is TFRecords (length, its checksum, data, its checksum) of ``Event`` messages of TensorFlow's event.proto:
wall_time 1, step 2, file_version 3, summary 5; of a summary's value: tag 1, simple_value 2.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .evaluate import Evaluation
from .run_folder import RunFolder

POLYNOMIAL = 0x82F63B78  # of CRC-32C, bits reversed
VERSION = b"brain.Event:2"


class TensorBoardTracker:
    """One event file in ``tensorboard/`` of the run's folder; a resumed run begins another, and steps logged again win.

    Numbers alone are shown: a table is summed up as a number for each agent, and pictures are left to the run's folder.
    """

    def __init__(self, run: RunFolder) -> None:
        folder = run.path / "tensorboard"
        folder.mkdir(exist_ok=True)
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        self.file = open(folder / name, "ab", buffering=0)  # noqa: SIM115  # it is open as long as the run
        self.step = 0
        self.file.write(record(_double(1, time.time()) + _bytes(3, VERSION)))

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        """In one write, so that a crash leaves no half number."""
        self.step = step
        numbers = {name: float(value) for name, value in metrics.items() if isinstance(value, (int, float))}
        if numbers:
            self.file.write(record(event(step, numbers, time.time())))

    def leaderboard(self, rows: Sequence[Evaluation]) -> None:
        several = len({row.env_id for row in rows}) > 1  # games: a row for each scripted player
        where = [f"{row.agent}/{row.env_id}" if several else row.agent for row in rows]
        self.log(self.step, {f"held-out/{name}": row.score for name, row in zip(where, rows, strict=True)})

    def finish(self, summary: Mapping[str, Any], pictures: Sequence[str] = ()) -> None:
        self.log(self.step, {f"summary/{name}": value for name, value in summary.items()})
        self.file.close()


def event(step: int, numbers: Mapping[str, float], at: float) -> bytes:
    """An Event of a summary's numbers."""
    values = b"".join(
        _bytes(1, _bytes(1, name.encode()) + _key(2, 5) + struct.pack("<f", value)) for name, value in numbers.items()
    )
    return _double(1, at) + _key(2, 0) + _varint(step) + _bytes(5, values)


def record(data: bytes) -> bytes:
    """A TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(length)) + data + struct.pack("<I", masked(data))


def masked(data: bytes) -> int:
    """CRC-32C, turned and shifted, as TFRecords have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _row(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
    return value


TABLE = [_row(value) for value in range(256)]


def _key(field: int, kind: int) -> bytes:
    return bytes([field << 3 | kind])


def _double(field: int, value: float) -> bytes:
    return _key(field, 1) + struct.pack("<d", value)


def _bytes(field: int, data: bytes) -> bytes:
    return _key(field, 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
