"""Prompts: data files with versions, ``prompts/NAME.VERSION.jinja``, a macro for each part of what is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a strategy says. ``say`` fills in a part; ``id`` is "NAME@VERSION", which stands in the agent's name."""

    name: str
    version: int
    template: Template = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}"

    def say(self, part: str, /, **values: Any) -> str:
        """A part with its values, which are inserted as they are and never read as templates.

        Raises:
            ValueError: the file has no such part, or the part takes other values.
        """
        macro = getattr(self.template.module, part, None)
        if macro is None:
            raise ValueError(f"the prompt {self.id} has no part {part!r}: write {{% macro {part}(...) %}} in its file")
        try:
            return str(macro(**values)).strip()
        except (TypeError, TemplateError) as error:
            raise ValueError(f"the prompt {self.id} cannot say {part!r}: {error}") from error


def read_prompt(file: Path) -> Prompt:
    """A prompt from a file ``NAME.VERSION.jinja``, one's own too.

    Raises:
        ValueError: the file is not called so, is not there, or is no template.
    """
    name, _, version = file.name.removesuffix(".jinja").rpartition(".")
    if not (name and version.isdecimal() and file.suffix == ".jinja"):
        raise ValueError(f"a prompt's file is called NAME.VERSION.jinja, as direct.1.jinja; not {file.name}")
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    try:
        return Prompt(name, int(version), environment.from_string(file.read_text()))
    except (OSError, TemplateError) as error:
        raise ValueError(f"the prompt {file} cannot be read: {error}") from error


@cache
def prompt_named(name: str, version: int | None = None) -> Prompt:
    """A prompt that ships with the package, the newest version unless one is named.

    Raises:
        ValueError: there is none.
    """
    files = {int(file.name.split(".")[1]): file for file in FOLDER.glob(f"{name}.*.jinja")}
    if not files or (version is not None and version not in files):
        known = ", ".join(sorted(file.name.removesuffix(".jinja") for file in FOLDER.glob("*.jinja")))
        raise ValueError(f"no prompt {name}{'' if version is None else f'.{version}'}: there are {known}")
    return read_prompt(files[max(files) if version is None else version])
