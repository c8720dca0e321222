"""An append-only log of episodes: one Parquet file a batch, whole or not there at all."""

from __future__ import annotations

import fcntl
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .columns import episodes_of
from .record import Episode
from .schema import to_table

SUFFIX = ".parquet"
BATCH = re.compile(rf"[0-9]+-.+{re.escape(SUFFIX)}")  # what else lies in a log's folder is not of the log
# With checksums: without, of flipped bits one in five is not noticed and makes another token, reward or verdict.
FORMAT: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": False,
    "write_statistics": False,
    "write_page_checksum": True,
}


class StoreError(RuntimeError):
    """The log cannot be read or written as asked."""


class EpisodeStore:
    """A folder of Parquet files, one for each appended batch, in the order of their numbers.

    A batch is written aside, flushed to disk and renamed, so that a reader, and a process killed at any moment,
    sees it whole or not at all. Several writers may append: each batch gets a number of its own.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def append(self, episodes: Sequence[Episode], name: str = "batch") -> Path:
        """Commit a batch under a name and return its file.

        Raises:
            StoreError: the batch is empty, the disk refused it, or a value in it is none of its field's type, such as
                a reference that is not JSON (nothing of it is kept then).
        """
        if not episodes:
            raise StoreError("an empty batch is not appended: collect at least one episode")
        self.path.mkdir(parents=True, exist_ok=True)
        aside = self.path / f".{name}.{uuid.uuid4().hex}.tmp"
        try:
            table = to_table(episodes)
            pq.write_table(table, aside, **FORMAT)
            with open(aside, "rb") as written:
                os.fsync(written.fileno())
            with _locked(self.path):
                number = 1 + max((int(other.split("-", 1)[0]) for other in self._names()), default=-1)
                final = self.path / f"{number:06d}-{name}{SUFFIX}"
                os.rename(aside, final)
            fsync_folder(self.path)
        except (OSError, TypeError, ValueError, OverflowError, pa.ArrowException) as error:  # a disk's, or a value's
            aside.unlink(missing_ok=True)
            raise StoreError(f"episodes could not be written to {self.path}: {error}") from error
        return final

    def files(self) -> list[Path]:
        """The committed batches, oldest first."""
        return [self.path / name for name in self._names()]

    def find(self, name: str) -> Path | None:
        """The committed batch of that name, if there is one."""
        found = (file for file in self._names() if file.removesuffix(SUFFIX).split("-", 1)[1] == name)
        return next((self.path / file for file in found), None)

    def _names(self) -> list[str]:
        """What the committed batches' files are called: asked for twice a round, and a run has many."""
        names = os.listdir(self.path) if self.path.is_dir() else []
        return sorted(filter(BATCH.fullmatch, names))

    def named(self, name: str) -> list[Episode]:
        """The committed batch of that name, and those that go on with it: NAME-1, NAME-2, ...; [] without any."""
        parts = map(self.find, (name, *(f"{name}-{number}" for number in range(1, len(self.files())))))
        return [episode for file in takewhile(bool, parts) if file is not None for episode in self.read(file)]

    def read(self, *files: Path) -> Iterator[Episode]:
        """Stream episodes of the given batches, or of all, a few thousand in memory at a time."""
        for file in files or self.files():
            for batch in self.batches(file):
                with _readable(file):
                    episodes = episodes_of(batch)
                yield from episodes

    def batches(self, *files: Path, columns: Sequence[str] | None = None, size: int = 2048) -> Iterator[pa.RecordBatch]:
        """Stream the rows of ``SCHEMA`` as Arrow has them, or only some of its columns, named as Parquet names them."""
        for file in files or self.files():
            batches = _open(file).iter_batches(batch_size=size, columns=columns)
            while (batch := _next(batches, file)) is not None:
                yield batch

    def discard_unfinished(self) -> None:
        """Remove what a killed writer left aside. Only for the store's one owner."""
        for leftover in self.path.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)

    def __len__(self) -> int:
        return sum(_open(file).metadata.num_rows for file in self.files())


def _open(file: Path) -> pq.ParquetFile:
    with _readable(file):
        return pq.ParquetFile(file, page_checksum_verification=True)


def _next(batches: Iterator[pa.RecordBatch], file: Path) -> pa.RecordBatch | None:
    with _readable(file):
        return next(batches, None)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, ValueError, LookupError, AttributeError) as error:  # of bytes, types and texts
        raise StoreError(f"{file} is not a readable episode file: {str(error).partition(chr(10))[0]}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """While inside, nobody else numbers a batch of this folder: two of one number would be one, and the other lost."""
    folder = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks, where a log has one writer
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def fsync_folder(path: Path) -> None:
    """Make a rename inside ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
