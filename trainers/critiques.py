"""Judges that are language models, trained from a log: yes or no (GenRM), and critique then score (CLoud)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from palaestra.agents.evaluator import Scorer, add_value_head, new_evaluator
from palaestra.agents.judges import ASKED, CRITIQUE, NO, YES, CritiqueJudge, GenerativeJudge, encoded
from palaestra.agents.pretrained import load_pretrained
from palaestra.episodes import choices
from palaestra.episodes.steps import Ends
from palaestra.episodes.views import Row, followed

from .forward import forward_critique
from .losses import NLL, BradleyTerry, Joint
from .reward_model import EVALUATORS, Told, fit, quiet, train_evaluator

LANGUAGE_WEIGHT = 1.25  # CLoud's λ for its 8 B model


def train_generative(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], told: Told, **options: Any
) -> GenerativeJudge:
    """The word yes behind answers of reward above one half, no behind the others, by their likelihood."""
    asked, end = encoded(tokenizer, ASKED), [tokenizer.eos_token_id]
    said = {right: [*encoded(tokenizer, YES if right else NO), *end] for right in (True, False)}
    judged = [followed(row, asked, said[row.reward > 0.5]) for row in choices.decided(rows).rows]
    fit(model, judged, NLL(), told, **options)
    return GenerativeJudge(model, tokenizer)


def marks(row: Row) -> str:
    """A critique of an answer: ok or bad for each judged step, then right or wrong."""
    given = [] if row.token_rewards is None else row.token_rewards[~np.isnan(row.token_rewards)].tolist()
    steps = ["ok" if score > 0.5 else "bad" for score in given]
    return " ".join([*steps, "right" if row.reward > 0.5 else "wrong"])


def train_cloud(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Row],
    told: Told,
    critique: Callable[[Row], str] = marks,
    **options: Any,
) -> CritiqueJudge:
    """CLoud's three stages: critiques of the oracle are imitated; the model writes its own; pairs are scored behind
    these by L = -log σ(r_w - r_l) + λ NLL(critique) (arXiv 2408.11791).

    critique: the oracle's, of an answer.
    """
    asked, end = encoded(tokenizer, CRITIQUE), [tokenizer.eos_token_id]
    decided = choices.decided(rows).rows
    oracle = [followed(row, asked, [*encoded(tokenizer, critique(row)), *end]) for row in decided]
    fit(model, oracle, NLL(), told, **options)
    add_value_head(model)
    judge, pairs = CritiqueJudge(model, tokenizer), choices.opposed(decided).rows
    prompts = [row.prompt.tolist() for row in pairs]
    answers = [row.answer.tolist() for row in pairs]
    own = judge.write(prompts, answers, temperature=1.0)
    scored = [followed(row, asked, written) for row, written in zip(pairs, own, strict=True)]
    fit(model, scored, Joint(BradleyTerry(), NLL(), LANGUAGE_WEIGHT), told, read=forward_critique, **options)
    return judge


JUDGES: dict[str, Callable[..., Scorer]] = {"generative": train_generative, "cloud": train_cloud}
KINDS = (*EVALUATORS, *JUDGES)


def train_scorer(
    kind: str, policy: Path, rows: Sequence[Row], ends: Ends, told: Told = quiet, lora_rank: int = 0, **options: Any
) -> Scorer:
    """A scorer of one of ``KINDS``, on the weights of a policy; ``options`` as those of ``reward_model.fit``.

    lora_rank: of an adapter that learns, with the head, in place of the weights; 0 for none.

    Raises:
        ValueError: an adapter for a judge that speaks.
    """
    if kind in JUDGES and lora_rank:
        raise ValueError(f"an adapter is for evaluators with a head alone, not for {kind}: leave lora_rank at 0")
    if kind in JUDGES:
        return JUDGES[kind](*load_pretrained(policy, AutoModelForCausalLM, "auto", merge=True), rows, told, **options)
    evaluator = new_evaluator(policy, lora_rank=lora_rank)
    train_evaluator(evaluator, rows, ends, EVALUATORS[kind], told, **options)
    return evaluator
