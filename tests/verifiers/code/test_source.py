from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from palaestra.verifiers.code import Language, extract_source

CODE = "def add(a, b):\n    return a + b"


@pytest.mark.parametrize(
    ("response", "language"),
    [
        (f"Here:\n```python\n{CODE}\n```\nDone.", "python"),
        (f"```\n{CODE}\n```", "python"),
        (f"~~~Py\n{CODE}\n~~~", "python"),
        (f"```python\nx = 1\n```\nBetter:\n```python\n{CODE}\n```", "python"),
        (f"```python\n{CODE}\n```\nRun it:\n```bash\npython add.py\n```", "python"),
        (f"````python\n{CODE}\n````\n", "python"),
        (f"```cpp\n{CODE}\n```", "c++"),
        (f"```js\n{CODE}\n```", "javascript"),
        (f"```python\r\n{CODE}\r\n```", "python"),
    ],
)
def test_the_last_block_of_the_language_is_the_program(response: str, language: Language) -> None:
    source = extract_source(response, language)
    assert source is not None
    assert source.rstrip("\r") == CODE


@pytest.mark.parametrize("response", ["", CODE, f"```python\n{CODE}", f"```bash\n{CODE}\n```", "```python\n \n```"])
def test_no_program_is_found(response: str) -> None:
    assert extract_source(response) is None


def test_a_response_without_a_fence_is_the_program_only_when_asked_for() -> None:
    assert extract_source(CODE, whole=True) == CODE
    assert extract_source(f"```python\n{CODE}\n```", whole=True) == CODE
    assert extract_source(f"```python\n{CODE}", whole=True) is None
    assert extract_source(" ", whole=True) is None


@given(st.text(alphabet="`~\n #ab", max_size=60))
def test_a_block_after_any_prose_is_found(prose: str) -> None:
    assume("```" not in prose and "~~~" not in prose)
    assert extract_source(f"{prose}\n```python\n{CODE}\n```") == CODE


@pytest.mark.parametrize("unit", ["`", "```\n", "~~~", "   ", "```python\n", "\n", "` `"])
def test_a_megabyte_ends(unit: str) -> None:
    extract_source(unit * (1_000_000 // len(unit)), whole=True)
