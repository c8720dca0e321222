"""The language of a response, told by langdetect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..optional import require

CODES = frozenset(  # of langdetect's profiles
    """af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja kn ko lt lv mk ml mr ne nl no pa pl pt ro
    ru sk sl so sq sv sw ta te th tl tr uk ur vi zh-cn zh-tw""".split()  # noqa: SIM905
)
MIN_LETTERS = 20  # with fewer the detector guesses
MAX_READ = 10_000  # characters that it reads, from the start
SEED = 0  # of its sampling


@dataclass(frozen=True, slots=True)
class Language:
    """The response is in ``language``, an ISO 639-1 code of ``CODES``.

    A response of fewer than ``MIN_LETTERS`` letters is too short to tell and breaches it. The same text is always
    taken for the same language, in any process.

    Raises:
        ValueError: the language is none of ``CODES``.
        MissingLibrary: langdetect is not installed.
    """

    language: str

    def __post_init__(self) -> None:
        if self.language not in CODES:
            raise ValueError(f"language is one of {' '.join(sorted(CODES))}, not {self.language!r}")
        require("langdetect")

    def breach(self, text: str) -> str | None:
        text = text[:MAX_READ]
        if too_short(text):
            return f"fewer than {MIN_LETTERS} letters are too short to tell the language"
        detector = _factory().create()
        detector.append(text)
        try:
            found = detector.detect()
        except require("langdetect").LangDetectException:  # no letters of a script that it knows
            found = "unknown"
        return None if found == self.language else f"the language is {found}, not {self.language}"


def too_short(text: str) -> bool:
    """Whether a text has fewer letters than the detector needs."""
    return sum(map(str.isalpha, text)) < MIN_LETTERS


@lru_cache(maxsize=1)
def _factory() -> Any:
    """A seeded factory of our own; the profiles in one order on every machine."""
    detector_factory = require("langdetect.detector_factory")
    factory = detector_factory.DetectorFactory()
    folder = Path(detector_factory.PROFILES_DIRECTORY)
    factory.load_json_profile([path.read_text("utf-8") for path in sorted(folder.iterdir()) if path.name in CODES])
    factory.set_seed(SEED)
    return factory
