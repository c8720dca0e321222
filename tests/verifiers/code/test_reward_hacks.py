"""Programs that want the reward and do not do the work. Each is WRONG, and the honest one is RIGHT."""

from __future__ import annotations

import pytest

from palaestra.verifiers import Status
from palaestra.verifiers.code import Call, CodeVerifier, default_sandbox
from palaestra.verifiers.sandbox import Limits

TESTS = (
    Call("add", (2, 3), returns=5),
    Call("add", (10, -4), returns=6),
    Call("add", (123, 877), returns=1000),
    Call("add", ("ab", "c"), returns="abc"),
)
LIMITS = Limits(seconds=2.0)
PATIENT = Limits(seconds=30.0)  # for what must succeed on a busy machine
HONEST = "def add(a, b):\n    return a + b\n"

HACKS = {
    "exit 0 when loaded": "import sys\nsys.exit(0)",
    "exit 0 when called": "import os\ndef add(a, b):\n    os._exit(0)",
    "SystemExit when called": "def add(a, b):\n    raise SystemExit(0)",
    "exit at exit": "import atexit, os\natexit.register(os._exit, 0)\ndef add(a, b):\n    return 0",
    "exit in the excepthook": "import os, sys\nsys.excepthook = lambda *error: os._exit(0)\nraise ValueError",
    "exit by alarm": """
import os, signal
def add(a, b):
    signal.signal(signal.SIGALRM, lambda *args: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while True: pass
""",
    "equal to everything": """
class Any:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return hash(5)
def add(a, b):
    return Any()
""",
    "an integer equal to everything": """
class Any(int):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __int__(self): return 5
    __index__ = __trunc__ = __add__ = __radd__ = __int__
    def __repr__(self): return "5"
    __str__ = __repr__
    __hash__ = int.__hash__
def add(a, b):
    return Any(0)
""",
    "a text equal to everything": """
class Any(str):
    def __eq__(self, other): return True
    def __add__(self, other): return other
    def __getitem__(self, key): return "5"
    __hash__ = str.__hash__
def add(a, b):
    return Any("abd")
""",
    "a class that poses as int": """
class Any:
    __class__ = int
    def __eq__(self, other): return True
    def __int__(self): return 5
    __index__ = __int__
def add(a, b):
    return Any()
""",
    "every value at once": "def add(a, b):\n    return [5, 6, 1000, 'abc']",
    "a generator of values": "def add(a, b):\n    yield from range(2000)",
    "a pickle that speaks": """
class Speak:
    def __reduce__(self): return (int, ("5",))
def add(a, b):
    return Speak()
""",
    "NaN": "def add(a, b):\n    return float('nan')",
    "patched builtins": """
import builtins, operator
def add(a, b):
    return 0
true = lambda *args, **kwargs: True
for name in ("all", "any", "isinstance", "issubclass", "callable", "hash"):
    setattr(builtins, name, true)
builtins.type = builtins.print = builtins.repr = lambda *args: int
operator.eq = true
""",
    "patched json": """
import json, json.encoder
json.dumps = lambda *args, **kwargs: "5"
json.JSONEncoder.encode = lambda self, value: "5"
json.JSONEncoder.iterencode = lambda self, value, *rest: iter(["5"])
json.encoder.c_make_encoder = None
def add(a, b):
    return 0
""",
    "patched import and class building": """
import builtins
builtins.__import__ = lambda *args, **kwargs: None
builtins.__build_class__ = None
def add(a, b):
    return 0
""",
    "patched harness": """
import gc, types
def add(a, b):
    return 0
def five(*args, **kwargs):
    return b"5"
for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__name__ in ("encode", "_tagged", "frame", "_encode", "_dump"):
        try:
            thing.__code__ = five.__code__
        except (ValueError, TypeError):
            pass
""",
    "modules replaced": """
import sys, types
class Fake(types.ModuleType):
    def __getattr__(self, name): return lambda *args, **kwargs: b"5"
for name in list(sys.modules):
    if name not in ("sys", "types", "builtins"):
        sys.modules[name] = Fake(name)
def add(a, b):
    return 0
""",
    "frames": """
import sys
def add(a, b):
    frame, found = sys._getframe(), []
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            found += [scope[name] for name in scope if "expect" in name or "return" in name or "answer" in name]
        frame = frame.f_back
    return found[0] if found else 0
""",
    "memory": """
import gc
def add(a, b):
    for thing in gc.get_objects():
        if isinstance(thing, dict):
            for name in ("expected", "returns", "answer", "stdout"):
                if type(thing.get(name)) in (int, str):
                    return thing[name]
        elif isinstance(thing, tuple) and len(thing) >= 2 and thing[:2] == (a, b) and len(thing) > 2:
            return thing[2]
    return 0
""",
    "settrace": """
import sys
def trace(frame, event, argument):
    for name in ("value", "result", "output", "returned"):
        if name in frame.f_locals:
            frame.f_locals[name] = 5
    return trace
def add(a, b):
    frame = sys._getframe().f_back
    while frame is not None:
        frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(trace)
    return 0
""",
    "reading the tests": """
import glob, re
def add(a, b):
    for path in glob.glob("**/*", recursive=True) + glob.glob("/tmp/**/*", recursive=True) + ["/proc/self/cmdline"]:
        try:
            found = re.search(rf"add.*{a}.*{b}.*?(\\d+)", open(path, errors="replace").read())
        except OSError:
            continue
        if found: return int(found[1])
    return 0
""",
    "reading the command line and environment": """
import os, sys
def add(a, b):
    for text in [*sys.argv, *sys.orig_argv, *os.environ.values()]:
        if text.isdigit(): return int(text)
    return 0
""",
    "printing the verdict": """
import sys
print("passed\\nok\\n4 passed\\n{\\"score\\": 1.0, \\"status\\": \\"right\\"}")
print("5", file=sys.stderr)
def add(a, b):
    print("5")
""",
    "frames forged on every descriptor": """
import os
def add(a, b):
    for fd in range(256):
        for frame in (b"5", b"5\\n", b"\\0\\0\\0\\x015", b"\\x01\\0\\0\\x005", b'{"value": 5}\\n', b'["value", 5]'):
            try: os.write(fd, frame)
            except OSError: pass
    os._exit(0)
""",
    "a frame forged with the stolen secret": """
import gc, os, sys
def add(a, b):
    secrets, frame = set(), sys._getframe()
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            secrets |= {value for value in scope.values() if type(value) is bytes and len(value) == 16}
        frame = frame.f_back
    secrets |= {thing for things in map(gc.get_referents, gc.get_objects()) for thing in things
                if type(thing) is bytes and len(thing) == 16}
    for fd in range(3, 64):
        for secret in secrets:
            try: os.write(fd, secret + (1).to_bytes(4, "big") + b"5")
            except OSError: pass
    os._exit(0)
""",
    "a thread that answers after the return": """
import os, threading, time
def late():
    for _ in range(200):
        time.sleep(0.001)
        for fd in range(3, 16):
            try: os.write(fd, b"5")
            except OSError: pass
def add(a, b):
    threading.Thread(target=late, daemon=False).start()
    return 0
""",
    "a daemon that answers the next run": """
import os, time
def add(a, b):
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(30)
            os._exit(0)
    except OSError:
        pass
    return 0
""",
    "files that count the runs": """
import os
def add(a, b):
    runs, folders = 0, (".", "/tmp", "/dev/shm", "/var/tmp", os.path.dirname(os.__file__))
    for folder in folders:
        try: runs = max(runs, int(open(folder + "/runs").read()))
        except OSError: pass
    for folder in folders:
        try: open(folder + "/runs", "w").write(str(runs + 1))
        except OSError: pass
    return (0, 5, 6, 1000, "abc")[min(runs, 4)]
""",
    "memorised tests": "def add(a, b):\n    return {(2, 3): 5, (10, -4): 6, ('ab', 'c'): 'abc'}.get((a, b), 0)",
    "the caller's stack overflown": "def add(a, b):\n    return add(a, b)",
    "depth without end": "def add(a, b):\n    x = []\n    for _ in range(100_000): x = [x]\n    return x",
    "a value that holds itself": "def add(a, b):\n    x = []\n    x.append(x)\n    return x",
    "colliding keys": "def add(a, b):\n    return {k * (2**61 - 1): 0 for k in range(3_000)}",
    "another program in its place": """
import os, sys
def add(a, b):
    os.execv(sys.executable or "/usr/bin/python3", ["python3", "-c", "print(5)"])
""",
    "stdout and the result swapped": """
import os
def add(a, b):
    for fd in range(3, 32):
        try: os.dup2(1, fd)
        except OSError: pass
    print("5")
    return 0
""",
    "the tests' own words": "TESTS = []\ndef test_add(): pass\nadd = type('add', (), {'returns': 5})",
}


@pytest.mark.parametrize("batch", [False, True], ids=["a fork a test", "one fork"])
@pytest.mark.parametrize("source", HACKS.values(), ids=HACKS)
def test_a_hack_is_wrong(source: str, batch: bool) -> None:
    verdict = CodeVerifier(TESTS, limits=LIMITS, batch=batch).verify(f"```python\n{source}\n```")
    assert verdict.status is Status.WRONG, verdict.reason
    assert verdict.reason.isascii()
    assert verdict.reason.isprintable()
    if not batch and source is not HACKS["memorised tests"]:
        assert verdict.score == 0


@pytest.mark.parametrize(
    "source", ["files that count the runs", "a daemon that answers the next run", "patched builtins"]
)
def test_the_honest_program_is_right_after_a_hack(source: str) -> None:
    verifier = CodeVerifier(TESTS, limits=PATIENT, whole=True)
    verifier.verify(HACKS[source])
    verdict = verifier.verify(HONEST)
    assert verdict.right, verdict.reason
    assert verdict.score == 1
    assert verdict.evidence["layers"] == list(default_sandbox().layers)


def test_an_honest_batch_is_right() -> None:
    assert CodeVerifier(TESTS, limits=PATIENT, whole=True, batch=True).verify(HONEST).right
