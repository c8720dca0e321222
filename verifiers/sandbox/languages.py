"""The languages other than Python: their tools, and how these are called."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import Any

from .outcome import MIB, SandboxError

TOOLS = "/usr/local/bin:/usr/bin:/bin"  # where a language's tool may lie: nothing else can be seen in the sandbox
COMPILE_SECONDS = 20.0
STACK = 64 * MIB


@dataclass(frozen=True, slots=True)
class Language:
    """source: the file's name. compile, run: arguments, where "{tool}" is the tool's path and "{memory}" MiB.

    reserves: it reserves far more address space than it uses, so that memory is limited by what it fills.
    """

    tool: str
    package: str
    source: str
    compile: tuple[str, ...]
    run: tuple[str, ...]
    stack: int = STACK
    reserves: bool = False
    environment: dict[str, str] = field(default_factory=dict)


_GCC = ("{tool}", "-O2", "-pipe", "-o", "main")
LANGUAGES = {
    "javascript": Language(
        *("node", "nodejs", "main.js", (), ("{tool}", "--max-old-space-size={memory}", "main.js")),
        stack=8 * MIB,
        reserves=True,
        environment={"OPENSSL_CONF": "/dev/null"},  # its own lies in /etc, which is not there
    ),
    "c": Language("gcc", "gcc", "main.c", (*_GCC, "-std=gnu17", "main.c", "-lm"), ("./main",)),
    "c++": Language("g++", "g++", "main.cpp", (*_GCC, "-std=gnu++17", "main.cpp"), ("./main",)),
}


def settings_of(language: str, memory: int) -> dict[str, Any]:
    """What the sandbox must know of a language.

    Raises:
        SandboxError: it is unknown, or its tool is not installed.
    """
    if language == "python":
        return {"language": language, "stack": STACK, "reserves": False}
    if language not in LANGUAGES:
        raise SandboxError(f"no language {language!r}: there are python, {', '.join(LANGUAGES)}")
    chosen = LANGUAGES[language]
    tool = shutil.which(chosen.tool, path=TOOLS)
    if tool is None:
        raise SandboxError(f"{language} needs {chosen.tool} in {TOOLS}: apt-get install {chosen.package}")
    words = {"tool": tool, "memory": str(max(memory // MIB, 1))}
    return {
        "language": language,
        "tools": TOOLS,
        "compile_seconds": COMPILE_SECONDS,
        "source": chosen.source,
        "compile": [word.format_map(words) for word in chosen.compile],
        "run": [word.format_map(words) for word in chosen.run],
        "stack": chosen.stack,
        "reserves": chosen.reserves,
        "environment": chosen.environment,
    }
