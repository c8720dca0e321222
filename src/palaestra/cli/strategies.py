"""``palaestra strategies``: how an agent may reason, each with its transcript; and what ``evaluate`` makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .app import UserError, app, console


@app.command
def strategies(out: Path | None = None, model: Path = Path("models/smollm2")) -> None:
    """List the strategies that `palaestra evaluate --strategy` can name.

    Args:
        out: a Markdown file to write them to, each with its transcript and its cost on a problem. Minutes.
        model: the folder of the model that answers then; `palaestra models get smollm2` makes it.
    """
    from rich.table import Table

    from palaestra.agents.strategies.table import STRATEGIES

    from .strategies_page import SETTINGS, page, play

    if out is not None:
        if not (model / "config.json").is_file():
            raise UserError(f"{model} holds no model: palaestra models get smollm2 --to {model}")
        from palaestra.agents.pretrained import load_policy

        policy = load_policy(model, name="smollm2")
        with console.status("asking") as status:
            played = {}
            for stack in SETTINGS:
                status.update(stack)
                played[stack] = play(stack, policy)
        out.write_text(page(played))
        return
    table = Table("--strategy", "what it does", "source")
    for name, row in STRATEGIES.items():
        table.add_row(row.usage(name), row.about.partition("\n")[0], row.source)
    console.print(table)


def tell_examples(log: Path) -> None:
    """How many examples a log holds, and what of it is none."""
    from palaestra.agents.strategies.few_shot import examples
    from palaestra.episodes import EpisodeStore

    pool, dropped = examples(EpisodeStore(log).read())
    told = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    console.print(f"{len(pool)} examples in {log}; left out: {told or 'none'}", highlight=False, soft_wrap=True)


def tell_counts(counted: Mapping[str, Mapping[str, int]]) -> None:
    """What each strategy of an agent has counted, a line each."""
    for name, counts in counted.items():
        told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()) if count)
        console.print(f"{name}: {told or 'nothing amiss'}", highlight=False)
