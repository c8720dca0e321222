"""The model card of an agent or a judge: what it is, how it was made, what it scored, and under which licence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FILE = "README.md"
LOAD = {
    "agent": (
        "from palaestra.agents.agent_folder import load_agent\n\nagent = load_agent(FOLDER)"
        "  # the model alone: PolicyLLM.from_pretrained"
    ),
    "judge": "from palaestra.agents.judges import load_judge\n\njudge = load_judge(FOLDER)",
}


def model_card(
    name: str,
    kind: str = "agent",
    licence: str = "",
    base: str = "",
    recipe: str = "",
    results: Sequence[Mapping[str, Any]] = (),
    made: str = "",
    measured: str = "",
) -> str:
    """Markdown with the front matter that the Hugging Face hub reads.

    kind: agent or judge. base: the model that it began as; "" for random weights. recipe: its YAML text. results: rows
    of a leaderboard, as mappings. made: hardware and versions, in a line. measured: how it answered for these results,
    in a line. What is not known is said to be unknown.
    """
    head = ["---", "library_name: transformers", "tags: [palaestra, reasoning]"]
    head += [f"license: {licence}"] if licence else []
    head += [f"base_model: {base}"] if base and not base.startswith((".", "/")) else []
    parts = [
        *head,
        "---",
        "",
        f"# {name}",
        "",
        f"A {'judge of answers' if kind == 'judge' else 'reasoning agent'} made with Palaestra"
        + (f" from {base}." if base else "."),
        "",
        f"Licence: {licence or 'not stated'}.",
        "",
        "```python",
        LOAD[kind].replace("FOLDER", repr(name)),
        "```",
        "",
        "## Environments and results",
        "",
        *_table(results),
        *(["", measured] if results and measured else []),
        "",
        "## Recipe",
        "",
        *(["```yaml", recipe.strip(), "```"] if recipe else ["Not recorded."]),
    ]
    return "\n".join([*parts, *(["", made] if made else []), ""])


def _table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    if not results:
        return ["Not measured."]
    head = ["| environment | score | 95 % interval | problems | tokens an answer |", "|---|---|---|---|---|"]
    return head + [
        f"| {row['env_id']} | {100 * row['score']:.1f} % | {100 * row['low']:.1f} – {100 * row['high']:.1f} % "
        f"| {row['problems'] or row['n']} | {row['tokens']:.1f} |"
        for row in results
    ]
