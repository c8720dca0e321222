"""What a user gets from ``pip install palaestra``: sdist -> wheel -> an empty environment with the core alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("verifiers", "envs", "episodes", "agents", "arena", "trainers")
CORE_ROOMS = ("verifiers", "envs", "episodes")
ENV_ID = "palaestra/ChainArith-v0"
DOWNLOAD_LIMIT = 200e6  # bytes of wheels; unpacked they are larger, pyarrow alone by far the most

IMPORT_THE_CORE = f"""
import importlib, importlib.util, pkgutil
assert importlib.util.find_spec("torch") is None
for room in {CORE_ROOMS}:
    package = importlib.import_module(f"palaestra.{{room}}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name.endswith("_worker"):
            continue  # of an adapter: runs in a process that has the other package
        importlib.import_module(module.name)
        print(module.name)
import palaestra.cli
"""

PLAY_THROUGH_GYMNASIUM = f"""
import gymnasium, numpy, palaestra.envs
env = gymnasium.make("{ENV_ID}")
observation, info = env.reset(seed=1)
answer = env.unwrapped.task.solve(info["problem"], numpy.random.default_rng(0)).splitlines()[-1]
_, reward, terminated, truncated, info = env.step(answer)
assert (reward, terminated, truncated) == (1.0, True, False), info["verdict"]
print(answer)
"""


@dataclass(frozen=True, slots=True)
class Core:
    """An environment that holds the wheel and what it requires, and nothing else."""

    folder: Path
    wheel: Path
    downloaded: list[Path]

    def run(self, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program of the environment away from the repository; ``text`` goes to its standard input."""
        program = self.folder / "bin" / command[0]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [str(program), *command[1:]],
            input=text,
            cwd=self.folder,
            env={**environment, "COLUMNS": "200", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )

    def python(self, code: str) -> str:
        done = self.run("python", "-I", "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout


def run_module(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    base = tmp_path_factory.mktemp("core")
    dist, wheels, venv = str(base / "dist"), str(base / "wheels"), base / "venv"
    run_module("build", "--no-isolation", "--outdir", dist, str(ROOT))  # the wheel from the sdist
    (wheel,) = Path(dist).glob("*.whl")
    pins = str(ROOT / "constraints.txt")
    run_module("pip", "download", "--quiet", "--dest", wheels, "--constraint", pins, str(wheel))
    run_module("venv", "--without-pip", str(venv))
    install = ("install", "--quiet", "--no-compile", "--no-index", "--find-links", wheels, str(wheel))
    run_module("pip", "--python", str(venv / "bin" / "python"), *install)
    yield Core(venv, wheel, sorted(Path(wheels).iterdir()))
    shutil.rmtree(base)  # a third of a gigabyte


def test_the_wheel_holds_every_file_of_the_package_once(core: Core) -> None:
    with zipfile.ZipFile(core.wheel) as archive:
        packed = sorted(name for name in archive.namelist() if ".dist-info/" not in name)
    linked = {**{room: ROOT / room for room in ROOMS}, "recipes": ROOT / "runs" / "recipes"}
    linked["cli"] = ROOT / "src" / "palaestra" / "cli"
    expected = [f"palaestra/{path.name}" for path in (ROOT / "src" / "palaestra").iterdir() if path.is_file()]
    expected += [
        f"palaestra/{name}/{path.relative_to(folder)}"
        for name, folder in linked.items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]
    assert packed == sorted(expected)


def test_every_module_of_the_core_imports_without_extras(core: Core) -> None:
    imported = core.python(IMPORT_THE_CORE).split()
    assert {"palaestra.verifiers.verdict", "palaestra.envs.task", "palaestra.episodes.record"} <= set(imported)


def test_the_default_recipe_is_installed(core: Core) -> None:
    code = (
        "from importlib.resources import files; print((files('palaestra') / 'recipes' / 'quickstart.yaml').read_text())"
    )
    assert core.python(code).strip() == (ROOT / "runs" / "recipes" / "quickstart.yaml").read_text().strip()


def test_the_core_makes_and_plays_an_environment(core: Core) -> None:
    assert core.python(PLAY_THROUGH_GYMNASIUM).strip()


def test_the_core_lists_and_checks_environments_on_the_command_line(core: Core) -> None:
    listed = core.run("palaestra", "envs", "list")
    assert listed.returncode == 0, listed.stderr
    assert ENV_ID.removeprefix("palaestra/") in listed.stdout
    checked = core.run("palaestra", "envs", "check", ENV_ID)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_person_plays_at_the_terminal(core: Core) -> None:
    answer = core.python(PLAY_THROUGH_GYMNASIUM)
    right = core.run("palaestra", "play", ENV_ID, "--seed", "1", text=answer)
    assert right.returncode == 0, right.stdout + right.stderr
    assert "right" in right.stdout.lower()
    wrong = core.run("palaestra", "play", ENV_ID, "--seed", "1", text="\\boxed{123456}\n")
    assert wrong.returncode == 0, wrong.stdout + wrong.stderr
    assert "wrong" in wrong.stdout.lower()


def test_training_without_the_extra_says_what_to_install(core: Core) -> None:
    done = core.run("palaestra", "evolve")
    told = done.stdout + done.stderr
    assert done.returncode == 2, told
    assert "palaestra[train]" in told
    assert "Traceback" not in told


def test_the_core_downloads_under_200_megabytes(core: Core) -> None:
    downloaded = sum(path.stat().st_size for path in core.downloaded)
    installed = sum(path.stat().st_size for path in core.folder.rglob("*") if path.is_file())
    figures = f"core: {downloaded / 1e6:.0f} MB to download, {installed / 1e6:.0f} MB installed"
    print(figures)
    assert downloaded < DOWNLOAD_LIMIT, figures
