"""What the page on other people's trainers shows runs as written, but for the model and the number of steps."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from palaestra.envs.registration import make_any
from palaestra.envs.serving import Server

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "other-trainers.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
WORDLE = "palaestra/Wordle-v0"
SMALL = "GRPOConfig(use_cpu=True, bf16=False, report_to=[], num_generations=2, max_completion_length=8, "
OPENENV = ("openenv==0.10.0", ("fastmcp>=3,<4", "fastapi", "uvicorn", "requests", "websockets", "tomli", "tomli-w"))
VALIDATE = """
from openenv.cli._validation import validate_running_environment
report = validate_running_environment("http://127.0.0.1:8000")
assert report["passed"], report
"""


def block(holding: str) -> str:
    return next(code for code in BLOCKS if holding in code)


def run(folder: Path, program: str, python: str = sys.executable) -> str:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRL_EXPERIMENTAL_SILENCE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def url() -> Iterator[str]:
    """Where ``palaestra serve palaestra/Wordle-v0`` would be."""
    with Server(lambda: make_any(WORDLE, split="train"), port=0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.url
        server.shutdown()


def test_ten_lines_are_enough() -> None:
    assert len(BLOCKS) == 4
    assert all(len([line for line in code.splitlines() if line.strip()]) <= 10 for code in BLOCKS)


def test_plain_requests_play_an_episode(url: str, tmp_path: Path) -> None:
    said = run(tmp_path, block("urlopen").replace("http://127.0.0.1:8000", url))
    assert re.fullmatch(r"(0\.0 wrong|1\.0 right)\n", said)


def test_trls_trainer_takes_both_examples(tmp_path: Path) -> None:
    prepare = f"""
from trl.chat_template_utils import qwen3_chat_template
from palaestra.agents.nano import nano_model, nano_tokenizer
tokenizer = nano_tokenizer()
tokenizer.chat_template = qwen3_chat_template
tokenizer.save_pretrained({str(tmp_path / "model")!r})
nano_model(tokenizer, hidden=32, layers=1, heads=2).save_pretrained({str(tmp_path / "model")!r})
"""
    programs = [block("reward_function"), block("environment_factory")]
    shown = "\nassert trainer.state.global_step == 1\n".join([*programs, ""])
    for old, new in (
        ("Qwen/Qwen3-0.6B", str(tmp_path / "model")),
        ("=100)", "=1)"),
        ("1000", "8"),
        ("GRPOConfig(output", f"{SMALL}output"),
    ):
        assert old in shown
        shown = shown.replace(old, new)
    run(tmp_path, prepare + shown)


@pytest.mark.long
def test_openenvs_own_client_and_validator_take_the_server(url: str, tmp_path: Path) -> None:
    """In an environment of its own: OpenEnv's requirements and Palaestra's pinned versions exclude each other."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    package, needed = OPENENV
    for what in (["--no-deps", package], [*needed]):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *what], check=True, timeout=900)
    program = (block("GenericEnvClient") + VALIDATE).replace("http://127.0.0.1:8000", url)
    said = run(tmp_path, program, python)
    assert "crane" in said
    assert re.search(r"^(right|wrong) \d$", said, re.MULTILINE)
