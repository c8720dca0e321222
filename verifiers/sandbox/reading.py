"""From what the host saw of a run to its outcome. Nothing that a program says about itself is believed here."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .framing import NotPlain, decode, split
from .outcome import Ended, Outcome
from .process import Finished
from .program import ERROR, MAX_ERROR, MEMORY, NO_FUNCTION, NOT_LOADED, VALUE

KINDS = {
    VALUE: Ended.OK,
    ERROR: Ended.ERROR,
    MEMORY: Ended.MEMORY,
    NOT_LOADED: Ended.ERROR,
    NO_FUNCTION: Ended.ERROR,
}
# The kernel holds a process to its limit by counting ticks, and reports its processor time by the clock: processes that
# compute beside others were killed at a limit of 1 s with 0.69 to 1.95 s reported.
TICKS = 0.5
OUT_OF_MEMORY = ("MemoryError", "std::bad_alloc", "heap out of memory")


class Answer(NamedTuple):
    """What one call came to. ``seconds`` are the program's own word, but for a call that is alone in its process.

    nothing_called: by any call, since the program did not load. called: by this one.
    """

    status: Ended
    value: Any
    error: str
    seconds: float = 0.0
    nothing_called: bool = False
    called: bool = True


def read_run(finished: Finished, settings: Mapping[str, Any], layers: tuple[str, ...]) -> Outcome:
    """The outcome of a whole program."""
    status, error = ended(finished, settings)
    if status is Ended.NO_RESULT and finished.status == 0:
        status, error = Ended.OK, ""
    elif status in (Ended.CRASHED, Ended.NO_RESULT):
        stderr = _text(finished.output["stderr"])
        said = _complaint(stderr, settings["language"])
        if any(sign in stderr for sign in OUT_OF_MEMORY):
            status, error = Ended.MEMORY, said
        elif status is Ended.NO_RESULT:
            status, error = Ended.ERROR, said or f"exit code {os.waitstatus_to_exitcode(finished.status)}"
    return _outcomes(finished, [Answer(status, None, error, finished.seconds)], layers)[0]


def _complaint(stderr: str, language: str) -> str:
    """The line that says best what went wrong: Python's last; elsewhere the first that speaks of an error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if language != "python":
        lines = [line for line in lines if "rror: " in line][:1] or lines
    return lines[-1][:MAX_ERROR] if lines else ""


def read_calls(
    finished: Finished, secret: bytes, count: int, settings: Mapping[str, Any], layers: tuple[str, ...]
) -> list[Outcome]:
    """The outcomes of ``count`` calls: of the frames that it left, and of whatever kept the others from it."""
    frames, extra = split(secret, finished.result)
    status, error = ended(finished, settings)
    by_itself = status is Ended.NO_RESULT
    if by_itself and (extra or len(frames) > count):
        error, frames = "more came back than one value a call", []
    elif len(frames) >= count and not (by_itself and finished.status == 0):
        frames = frames[: count - 1]  # the last is there too, but the process did not end as one that was let alone
    answers = [_read(data) for data in frames]
    if answers and answers[0].nothing_called:
        answers = answers[:1] * count
    rest = Answer(status, None, error, max(finished.seconds - sum(answer.seconds for answer in answers), 0.0))
    answers += [rest] * (count - len(answers))
    if count == 1:
        answers = [answers[0]._replace(seconds=finished.seconds)]
    return _outcomes(finished, answers, layers)


def ended(finished: Finished, settings: Mapping[str, Any]) -> tuple[Ended, str]:
    """How the process ended, as the kernel and the host's own clock tell; NO_RESULT when it ended by itself."""
    code = os.waitstatus_to_exitcode(finished.status)
    if finished.killed == "timeout":
        return Ended.TIMEOUT, f"no end within {settings['seconds']:g} s"
    if finished.killed == "output":
        return Ended.OUTPUT, f"more than {settings['output']} bytes of output"
    if code == -signal.SIGKILL and finished.cpu >= TICKS * math.ceil(settings["cpu"]):
        return Ended.TIMEOUT, f"no end within {math.ceil(settings['cpu'])} s of processor time"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return Ended.CRASHED, f"killed by {name}"
    return Ended.NO_RESULT, f"it ended with exit code {code} before it returned"


def _read(data: bytes) -> Answer:
    try:
        kind, content, seconds = decode(data)
        status = KINDS[kind]
    except NotPlain as error:
        return Answer(Ended.NO_RESULT, None, str(error))
    except (ValueError, TypeError, KeyError):
        return Answer(Ended.NO_RESULT, None, "a malformed answer came back")
    seconds = seconds if type(seconds) is float and 0 <= seconds < math.inf else 0.0
    if status is Ended.OK:
        return Answer(status, content, "", seconds)
    text = content if type(content) is str else "an error of no text"
    called = kind not in (NOT_LOADED, NO_FUNCTION)
    return Answer(status, None, text[:MAX_ERROR], seconds, kind == NOT_LOADED, called)


def _outcomes(finished: Finished, answers: Sequence[Answer], layers: tuple[str, ...]) -> list[Outcome]:
    stdout, stderr = _text(finished.output["stdout"]), _text(finished.output["stderr"])
    code, memory = os.waitstatus_to_exitcode(finished.status), finished.memory
    return [
        Outcome(a.status, a.value, stdout, stderr, a.error, code, a.seconds, memory, layers, a.called) for a in answers
    ]


def _text(data: bytearray) -> str:
    return data.decode("utf-8", "replace")
