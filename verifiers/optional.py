"""Libraries that a plain installation does not bring: imported where they are used, named when they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType


class MissingLibrary(ImportError):
    """A verifier needs a library of an extra that is not installed."""


def require(module: str, extra: str = "verifiers") -> ModuleType:
    """The imported ``module``.

    Raises:
        MissingLibrary: it is not installed; the message holds the pip line that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingLibrary(f"{module} is not installed: pip install 'palaestra[{extra}]'") from error
