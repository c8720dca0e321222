"""Programs that want a reward without an answer: all that they achieve is to return some value, or none."""

from __future__ import annotations

import pytest

from palaestra.verifiers.sandbox import Ended, Sandbox

FRAMES = """
import gc, os, sys
def secrets():
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if isinstance(value, bytes) and len(value) == 16: yield value
            if isinstance(value, list) and value and isinstance(value[0], bytes): yield value[0]
        frame = frame.f_back
def forge(data, secret):
    return secret + len(data).to_bytes(4, "big") + data
def write(data):
    for number in range(3, 64):
        try: os.write(number, data)
        except OSError: pass
"""
GOOD = b'{"t":["value",5,0.0]}'


@pytest.mark.parametrize(
    "source",
    [
        FRAMES + f"def add(a, b):\n    write(forge({GOOD!r}, bytes(16)))\n    return 1",  # without the secret
        FRAMES + f"def add(a, b):\n    write(forge({GOOD!r}, next(secrets())))\n    return 1",  # a second frame
        FRAMES + f"def add(a, b):\n    write(forge({GOOD!r}, next(secrets())) * 2)\n    os._exit(0)",
        FRAMES + f"def add(a, b):\n    write(forge({GOOD!r}, next(secrets())))\n    os._exit(1)",  # not let alone
        FRAMES + 'def add(a, b):\n    write(forge(b\'{"t":["value"]}\', next(secrets())))\n    os._exit(0)',
        FRAMES + "def add(a, b):\n    write(next(secrets()) + b'\\xff' * 9)\n    os._exit(0)",
        "import os\ndef add(a, b): os._exit(0)",
        "import atexit, os\natexit.register(os._exit, 0)\nraise ValueError",
        "import os, sys\nsys.excepthook = lambda *a: os._exit(0)\nraise ValueError",
        "import os, threading\nthreading.Timer(0.01, os._exit, (0,)).start()\ndef add(a, b):\n    while True: pass",
        "import sys\ndef add(a, b):\n    print('passed', flush=True)\n    sys.exit(0)",
        "import builtins\nbuiltins.type = lambda x: int\ndef add(a, b): return 'x'",
        "import signal, os\nsignal.signal(signal.SIGALRM, lambda *a: os._exit(0))\nsignal.setitimer(0, 0.01)\n"
        "def add(a, b):\n    while True: pass",
        "import os\nfor n in range(3, 64):\n    try: os.close(n)\n    except OSError: pass\ndef add(a, b): return 5",
        "import os\ndef add(a, b):\n    os.ftruncate(4, 0)\n    os.lseek(4, 100, 0)\n    return 5",
    ],
)
def test_tricks_end_without_a_value(sandbox: Sandbox, source: str) -> None:
    outcome = sandbox.call(source, "add", (2, 3))
    assert outcome.status is not Ended.OK
    assert outcome.value is None
    assert outcome.error


@pytest.mark.parametrize(
    "source",
    [
        "import builtins\nbuiltins.isinstance = builtins.all = lambda *a: True\ndef add(a, b): return 0",
        "import json\njson.dumps = json.JSONEncoder.encode = lambda *a, **k: '5'\ndef add(a, b): return 0",
        "import sys\nsys.modules['sandbox.framing'].encode = lambda v: b'5'\ndef add(a, b): return 0",
        "class T(int):\n    __eq__ = lambda s, o: True\n    __ne__ = lambda s, o: False\n    __hash__ = int.__hash__\n"
        "def add(a, b): return T(0)",
        FRAMES + f"def add(a, b):\n    write(forge({GOOD.replace(b'5', b'0')!r}, next(secrets())))\n    os._exit(0)",
    ],
)
def test_tricks_achieve_no_more_than_a_value(sandbox: Sandbox, source: str) -> None:
    outcome = sandbox.call(source, "add", (2, 3))
    assert (outcome.status, outcome.value, type(outcome.value)) == (Ended.OK, 0, int)


def test_what_was_never_sent_is_nowhere_to_be_found(sandbox: Sandbox) -> None:
    """Neither this process's memory nor its objects hold anything of earlier runs, which the zygote never read."""
    marker = "a-marker-of-the-run-before"
    sandbox.call(f"def f(x): return x  # {marker}", "f", (marker,))
    source = f"""
import gc, sys
def f():
    wanted = "".join([{marker[:10]!r}, {marker[10:]!r}])
    found = [o for o in gc.get_objects() if isinstance(o, (list, tuple, dict)) and wanted in str(o)[:10000]]
    return len([o for o in found if type(o) is not dict or "wanted" not in o])
"""
    assert sandbox.call(source, "f").value == 0
