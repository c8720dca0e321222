"""Evaluators that are language models: one says yes or no, one writes a critique and then gives a number, and one's
likelihood is the number.

Their questions stand behind the very tokens of prompt and answer; nothing that was sampled is encoded again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor

from .engine import Engine, Sampling
from .evaluator import BATCH, Scorer, load_evaluator
from .model_card import model_card
from .pretrained import load_model, save_folder, weights_hash
from .transformers_engine import TransformersEngine

Ids = Sequence[int]
ASKED = "\nRight? "
SHOWN = "\nShown? "  # whether it is a demonstration, and not a model's own
YES, NO = "yes", "no"
CRITIQUE = "\nCritique: "
CRITIQUE_TOKENS = 64


def encoded(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Ids of a text, without special tokens."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


def words(tokenizer: PreTrainedTokenizerBase) -> dict[str, list[int]]:
    """Ids of all questions and both answers, with the answers' end."""
    end = [int(tokenizer.eos_token_id)]
    said = {"yes": [*encoded(tokenizer, YES), *end], "no": [*encoded(tokenizer, NO), *end]}
    return {
        "right": encoded(tokenizer, ASKED),
        "shown": encoded(tokenizer, SHOWN),
        "critique": encoded(tokenizer, CRITIQUE),
        **said,
    }


class GenerativeJudge:
    """The chance of "yes", of yes and no, behind an answer and the question whether it is right (arXiv 2408.15240)."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str = "judge") -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name

    @property
    def actor(self) -> Actor:
        return Actor(self.name, weights_hash(self.model))

    def reads(self, length: int) -> int:
        """Tokens read to score an answer that is so long with its prompt."""
        return length + len(encoded(self.tokenizer, ASKED))

    @torch.no_grad()
    def score(self, prompts: Sequence[Ids], answers: Sequence[Ids], question: str = ASKED) -> list[float]:
        """The chance that each answer is right, in [0, 1], or of yes to another question behind it."""
        asked = encoded(self.tokenizer, question)
        said = [encoded(self.tokenizer, word)[0] for word in (YES, NO)]
        whole = [torch.tensor([*pair[0], *pair[1], *asked]) for pair in zip(prompts, answers, strict=True)]
        chances: list[float] = []
        for start in range(0, len(whole), BATCH):
            part = whole[start : start + BATCH]
            ids = pad_sequence(part, batch_first=True).to(self.model.device)
            hidden = self.model.base_model(input_ids=ids, use_cache=False).last_hidden_state
            last = hidden[range(len(part)), [len(one) - 1 for one in part]]  # causal: what is padded behind is not seen
            logits = self.model.get_output_embeddings()(last)[:, said]
            chances += logits.float().softmax(-1)[:, 0].tolist()
        return chances


class CritiqueJudge:
    """Writes a critique of an answer, then scores both by a second head (CLoud; arXiv 2408.11791).

    critiques: how many are written of each answer; 1 is the likeliest, of more the scores' mean is taken.
    engine: samples them from the model; one of its own unless given.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        name: str = "judge",
        critiques: int = 1,
        engine: Engine | None = None,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.critiques = critiques
        self.tokens_out = 0  # of all critiques so far
        self.engine = engine or TransformersEngine(model, eos_ids=[tokenizer.eos_token_id])

    @property
    def actor(self) -> Actor:
        return Actor(self.name, weights_hash(self.model))

    def reads(self, length: int) -> int:
        """Tokens read to score an answer that is so long with its prompt: once to write a critique, once to score it.

        The critique's own tokens are read too; ``tokens_out`` has their number.
        """
        return 2 * self.critiques * (length + len(encoded(self.tokenizer, CRITIQUE)))

    def write(
        self, prompts: Sequence[Ids], answers: Sequence[Ids], temperature: float, seed: int | Sequence[int] = 0
    ) -> list[Ids]:
        """A critique of each answer, its end included. seed: of the first, which goes up by one; or of each."""
        asked = encoded(self.tokenizer, CRITIQUE)
        whole = [[*prompt, *answer, *asked] for prompt, answer in zip(prompts, answers, strict=True)]
        seeds = tuple(range(seed, seed + len(whole)) if isinstance(seed, int) else seed)
        sampling = Sampling(temperature=temperature, max_tokens=CRITIQUE_TOKENS, seeds=seeds)
        return [completion.token_ids for completion in self.engine.generate(whole, sampling)]

    @torch.no_grad()
    def score(self, prompts: Sequence[Ids], answers: Sequence[Ids]) -> list[float]:
        """What the head says at the end of the critique."""
        asked, totals = encoded(self.tokenizer, CRITIQUE), [0.0] * len(prompts)
        head: Any = self.model.score
        for number in range(self.critiques):
            pairs = zip(prompts, answers, strict=True)
            seeds = [derive_seed("critique", number, *prompt, *answer) for prompt, answer in pairs]
            written = self.write(prompts, answers, float(self.critiques > 1), seeds)
            self.tokens_out += sum(map(len, written))
            for index, (prompt, answer, critique) in enumerate(zip(prompts, answers, written, strict=True)):
                ids = torch.tensor([[*prompt, *answer, *asked, *critique]], device=self.model.device)
                hidden = self.model.base_model(input_ids=ids, use_cache=False).last_hidden_state
                totals[index] += float(head(hidden[0, -1])) / self.critiques
        return totals


class ImplicitReward:
    """β (Σ log π - Σ log ref) of an answer: what a preference-tuned policy likes (DPO; arXiv 2305.18290)."""

    def __init__(
        self, model: PreTrainedModel, reference: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, beta: float = 0.1
    ) -> None:
        self.model = model.eval()
        self.reference = reference.eval()
        self.tokenizer = tokenizer
        self.beta = beta
        self.actor = Actor("implicit reward", weights_hash(model))

    def reads(self, length: int) -> int:
        """Tokens read to score an answer that is so long with its prompt: both models read it."""
        return 2 * length

    def score(self, prompts: Sequence[Ids], answers: Sequence[Ids]) -> list[float]:
        return [sum(self.tokens(*pair)) for pair in zip(prompts, answers, strict=True)]

    @torch.no_grad()
    def tokens(self, prompt: Ids, answer: Ids) -> list[float]:
        """The reward of each token of the answer; their sum is the answer's."""
        ids = torch.tensor([[*prompt, *answer]], device=self.model.device)

        def logprobs(model: PreTrainedModel) -> torch.Tensor:
            logits = model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1].float()
            chosen: torch.Tensor = logits.log_softmax(-1).gather(1, ids[0, len(prompt) :, None]).squeeze(1)
            return chosen

        gap: list[float] = (self.beta * (logprobs(self.model) - logprobs(self.reference))).tolist()
        return gap


# What a folder of a judge says of itself, in MARK: how it is to be read.
MARK = "judge.json"


def mark(folder: Path, **said: Any) -> None:
    """Write down what kind of judge a model folder is of."""
    (folder / MARK).write_text(json.dumps(said) + "\n")


def save_judge(judge: Scorer, folder: str | os.PathLike[str], licence: str = "", **card: Any) -> Path:
    """Write a judge to a new folder that ``load_judge`` reads: weights, tokenizer, its kind and a model card.

    card: recipe, results and the like, as ``model_card`` takes them.

    Raises:
        FileExistsError: something is there already.
    """
    said = next((kind for made, kind in KINDS_OF.items() if isinstance(judge, made)), "scalar")
    text = model_card(Path(folder).name, "judge", licence, **card)
    made = save_folder(folder, judge.model, judge.tokenizer, text)
    if isinstance(judge, ImplicitReward):
        save_folder(made / "reference", judge.reference, judge.tokenizer, text)
        mark(made, kind=said, reference="reference", beta=judge.beta)
    else:
        mark(made, kind=said, **({"critiques": judge.critiques} if isinstance(judge, CritiqueJudge) else {}))
    return made


def load_judge(path: str | os.PathLike[str], device: str = "auto") -> Scorer:
    """A judge of any kind from its folder.

    Raises:
        MissingModel: there is none; the message says what to do.
        ValueError: it is of a kind that nobody knows.
    """
    folder = Path(path)
    said = json.loads((folder / MARK).read_text()) if (folder / MARK).is_file() else {"kind": "scalar"}
    if said["kind"] not in LOADERS:
        raise ValueError(f"{folder / MARK} names an unknown kind of judge: {said['kind']!r}")
    return LOADERS[said["kind"]](folder, said, device)


def _generative(folder: Path, said: dict[str, Any], device: str) -> Scorer:
    return GenerativeJudge(*load_model(folder, device), name=folder.name)


def _cloud(folder: Path, said: dict[str, Any], device: str) -> Scorer:
    model, tokenizer = load_model(folder, device)
    model.score = load_evaluator(folder, device).model.score
    return CritiqueJudge(model, tokenizer, folder.name, said.get("critiques", 1))


def _implicit(folder: Path, said: dict[str, Any], device: str) -> Scorer:
    model, tokenizer = load_model(folder, device)
    return ImplicitReward(model, load_model(folder / said["reference"], device)[0], tokenizer, said["beta"])


KINDS_OF: dict[type, str] = {GenerativeJudge: "generative", CritiqueJudge: "cloud", ImplicitReward: "implicit"}
LOADERS: dict[str, Callable[[Path, dict[str, Any], str], Scorer]] = {
    "scalar": lambda folder, said, device: load_evaluator(folder, device),
    "generative": _generative,
    "cloud": _cloud,
    "implicit": _implicit,
}
