from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers.fenced import last_fenced


@pytest.mark.parametrize(
    ("response", "content"),
    [
        ("text\n```json\n{}\n```\nmore", "{}"),
        ("```json\n1\n```\n```JSON\n2\n```", "2"),
        ("```json\n1\n```\n```python\n2\n```", "1"),
        ("```\n1\n2\n```", "1\n2"),
        ("~~~json\n```\n~~~", "```"),
        ("````json\n```\n1\n```\n````", "```\n1\n```"),
        ("```json\n1\n```\n```json\n2", "1"),
        ("```json\r\n1\r\n```\r\n", "1\r"),
        ("```json\n```", ""),
    ],
)
def test_the_last_closed_block_of_a_language_is_found(response: str, content: str) -> None:
    assert last_fenced(response, ("json", "")) == content


@pytest.mark.parametrize(
    "response", ["", "{}", "```json\n1", "```json 1 ```", "    ```json\n1\n    ```", "```sql\n1\n```"]
)
def test_no_block(response: str) -> None:
    assert last_fenced(response, ("json",)) is None


@pytest.mark.parametrize("unit", ["```", "```\n", "~~~a\n", " ", "`", "```json\n", "\r", "~"])
def test_a_megabyte_ends(unit: str) -> None:
    last_fenced(unit * (1_000_000 // len(unit)), ("json", ""))


@given(
    st.text(alphabet="`~ js\n", max_size=60), st.text(alphabet="ab `\n", max_size=30).filter(lambda t: "```" not in t)
)
def test_a_block_reads_back_after_closed_text(prose: str, content: str) -> None:
    closed = prose.replace("```", "").replace("~~~", "")
    assert last_fenced(f"{closed}\n```json\n{content}\n```", ("json",)) == content
