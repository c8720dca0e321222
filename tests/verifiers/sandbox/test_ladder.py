"""Which isolation a machine gets: the best it offers, what it says about it, and never none unless asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import palaestra.verifiers.sandbox as package
from palaestra.verifiers.sandbox import LADDER, Ended, Sandbox, probe

ORDINARY_USER = 54321

# Run in a process of its own, which first denies itself some system calls as a container's policy would.
DENY = """
import json, os, struct, sys, warnings
sys.path.insert(0, sys.argv[1])
from sandbox import LADDER, Sandbox, SandboxError
from sandbox import kernel, seccomp, syscalls

def deny(*names):
    known = syscalls.numbers(syscalls.REFUSED) | syscalls.numbers(syscalls.OWN)
    parts = [seccomp._load(seccomp.NUMBER)]
    for name in names:
        parts += [seccomp._jump(seccomp.EQUAL, known[name], 0, 1), seccomp._return(seccomp.ERRNO | seccomp.EPERM)]
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(seccomp.Filter(b"".join([*parts, seccomp._return(seccomp.ALLOW)])))

if sys.argv[2:]:
    deny(*sys.argv[2:])
try:
    with Sandbox() as sandbox:
        outcome = sandbox.call("import this, os\\ndef f(): return os.getuid()", "f")
        print(json.dumps({"layers": sandbox.layers, "value": outcome.value, "error": outcome.error}))
except SandboxError as error:
    print(json.dumps({"refused": str(error)}))
"""


@pytest.fixture(scope="module")
def copy() -> Iterator[Path]:
    """The sandbox's code in a folder that any user can read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    assert package.__file__ is not None
    shutil.copytree(Path(package.__file__).parent, folder / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    yield folder
    shutil.rmtree(folder)


def run(copy: Path, *denied: str, user: int | None = None) -> dict[str, object]:
    python = sys.executable if user is None else _python_of(user)
    done = subprocess.run(
        [python, "-B", "-c", DENY, str(copy), *denied], user=user, group=user, cwd="/", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


def _python_of(user: int) -> str:
    """An interpreter that this user may run: the tests' own may lie in root's home."""
    for python in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(command, user=user, cwd="/", capture_output=True).returncode == 0:
                return python
        except OSError:
            continue
    raise AssertionError("no Python 3.11 or later that an ordinary user can run")


USERS = [None, ORDINARY_USER] if os.getuid() == 0 else [None]


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(
    ("denied", "rung"),
    [((), "full"), (("landlock_create_ruleset",), "namespaces"), (("unshare",), "landlock"), (("mount",), "landlock")],
)
def test_it_stands_on_the_best_rung_that_can_be_had(
    copy: Path, denied: tuple[str, ...], rung: str, user: int | None
) -> None:
    told = run(copy, *denied, user=user)
    assert told["error"] == ""
    layers = [layer.partition(":")[0] for layer in told["layers"]]  # type: ignore[attr-defined]  # a list of texts
    assert tuple(layers) == LADDER[rung]
    assert told["value"] != 0


@pytest.mark.parametrize("user", USERS)
def test_below_the_ladder_it_refuses_and_says_why(copy: Path, user: int | None) -> None:
    refused = str(run(copy, "unshare", "landlock_create_ruleset", user=user)["refused"])
    assert "no isolation to be had here" in refused
    assert "full: [Errno 1] unshare" in refused
    assert "landlock: [Errno 1] landlock_create_ruleset" in refused


def test_without_seccomp_it_refuses(copy: Path) -> None:
    assert "no isolation" in str(run(copy, "seccomp")["refused"])


def test_every_outcome_names_its_layers(sandbox: Sandbox) -> None:
    outcome = sandbox.call("def f(): return 1", "f")
    assert outcome.layers == sandbox.layers
    assert outcome.status is Ended.OK


def test_a_layer_that_does_not_hold_is_noticed() -> None:
    facts = dict.fromkeys(LADDER["full"], False)
    assert set(probe.missing(facts, LADDER["full"])) == set(LADDER["full"]) - {"netns", "ipcns", "utsns"}
    assert probe.missing(None, ["pidns"]) == ["pidns"]


def test_no_isolation_needs_to_be_asked_for_and_warns() -> None:
    with pytest.warns(UserWarning, match="unsandboxed"):
        sandbox = Sandbox(unsandboxed=True)
    with sandbox:
        assert sandbox.layers == ("rlimits",)
        reading = "def f(): return len(open('/etc/passwd').read()) > 0"
        assert sandbox.call(reading, "f").value is True  # so that the attacks' failures elsewhere mean something


def test_an_unknown_rung_is_refused() -> None:
    with pytest.raises(ValueError, match="there are full, namespaces, landlock"):
        Sandbox(rung="none")
    with pytest.raises(ValueError, match="stands on no rung"):
        Sandbox(unsandboxed=True, rung="full")
