"""Running Python in a process that is already confined. What is submitted runs here and nowhere else."""

from __future__ import annotations

import atexit
import os
import sys
import types
from time import perf_counter as clock

from .framing import encode, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

FILE = "main.py"
MAX_ERROR = 500  # characters
VALUE, ERROR, MEMORY, NOT_LOADED, NO_FUNCTION = "value", "error", "memory", "not loaded", "no function"


def call_functions(work: list[Any], result: int) -> NoReturn:
    """Load the source once, call its functions one after the other, write a frame for each, and end."""
    secret, source, calls = work
    try:
        names = load(source, "answer")
    except BaseException as error:
        answers = iter([failure(error, NOT_LOADED)])
    else:
        answers = (answer(names, *call) for call in calls)
    for data in answers:
        rest = memoryview(frame(secret, data))
        while rest:
            rest = rest[os.write(result, rest) :]
    end(0)


def answer(names: dict[str, Any], function: str, args: list[Any], kwargs: dict[str, Any] | None = None) -> bytes:
    if function not in names:
        return encode([NO_FUNCTION, f"NameError: the program defines no {function}", 0.0])
    called = names[function]
    began = clock()
    try:
        value = called(*args, **kwargs) if kwargs else called(*args)
        return encode([VALUE, value, clock() - began])
    except BaseException as error:
        return failure(error, ERROR if callable(called) else NO_FUNCTION, clock() - began)


def failure(error: BaseException, kind: str, seconds: float = 0.0) -> bytes:
    traceback_without_us(error)
    return encode([MEMORY if isinstance(error, MemoryError) else kind, describe(error), seconds])


def describe(error: BaseException) -> str:
    """One line: the exception's type and what it says, if it can be asked."""
    try:
        text = f"{type(error).__name__}: {error}".strip().rstrip(":")
    except BaseException:
        text = "an exception that cannot be printed"
    return " ".join(text.split())[:MAX_ERROR]


def run_program(source: str, argv: list[str]) -> NoReturn:
    """Run the source as the main program, then end the way an interpreter does."""
    sys.argv = [FILE, *argv]
    code = 0
    try:
        try:
            load(source, "__main__")
        finally:
            if "threading" in sys.modules:
                sys.modules["threading"]._shutdown()  # waits for threads, as at an interpreter's end
            atexit._run_exitfuncs()
    except SystemExit as exit:
        code = exit_code(exit.code)
    except BaseException as error:
        traceback_without_us(error)
        code = 1
    end(code)


def exit_code(given: object) -> int:
    """As ``sys.exit`` understands its argument."""
    if given is None or isinstance(given, int):
        return int(given or 0) & 0xFF
    sys.stderr.write(f"{given}\n")
    return 1


def load(source: str, name: str) -> dict[str, Any]:
    """The names that a source defines when it is run as the module ``name``."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    _loaded.append(source)
    exec(compile(source, FILE, "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


_loaded: list[str] = []


def forget() -> None:
    """As if nothing had been loaded."""
    sys.modules.pop("answer", None)
    _loaded.clear()


def traceback_without_us(error: BaseException) -> None:
    """Print a traceback of the program's own frames, by the interpreter itself, which reads their lines from a file."""
    try:
        try:
            with open(FILE, "w", encoding="utf-8", errors="surrogatepass") as file:
                file.write(_loaded[-1])
        except OSError:  # what the program wrote leaves no room: a traceback without lines
            pass
        frames = error.__traceback__
        while frames and frames.tb_frame.f_code.co_filename == __file__:
            frames = frames.tb_next
        error.__traceback__ = frames
        _print_exception(type(error), error, frames)
    except BaseException:
        sys.stderr.write("an exception that cannot be printed\n")


_print_exception = sys.excepthook


def end(code: int) -> NoReturn:
    """End at once, with what was printed, and without what the program may have left to run."""
    try:
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
    finally:
        os._exit(code)
