"""Loss and gradient equal TRL's own on the same tokens, in fp32: its trainers' own loss functions are called."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import LlamaForCausalLM

from palaestra.agents.nano import nano_tokenizer
from palaestra.episodes.views import Row
from palaestra.trainers.batch import Batch, pack
from palaestra.trainers.forward import forward
from palaestra.trainers.losses import DPO, IPO, KTO, NCA, ORPO, ClippedWeight, Objective, PolicyGradient, SimPO
from palaestra.trainers.reference import with_mismatch, with_reference

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
Rows = Callable[..., list[Row]]
TOLERANCE = 1e-5
LONGEST = 20
ON_CPU = {"use_cpu": True, "bf16": False, "report_to": [], "disable_tqdm": True, "save_strategy": "no"}


@dataclass
class Case:
    """Rows in pairs (chosen first), a policy, a reference whose weights differ, and the batch of it all."""

    rows: list[Row]
    model: LlamaForCausalLM
    reference: LlamaForCausalLM
    batch: Batch
    advantages: np.ndarray[Any, Any]

    def padded(self, rows: list[Row]) -> dict[str, Tensor]:
        """Whole sequences, padded on the right."""
        ids = pad_sequence([torch.from_numpy(row.ids) for row in rows], batch_first=True)
        action = pad_sequence([torch.from_numpy(row.action) for row in rows], batch_first=True)
        lengths = torch.tensor([len(row.ids) for row in rows])[:, None]
        attention = (torch.arange(ids.shape[1]) < lengths).long()
        return {"input_ids": ids, "attention_mask": attention, "completion_mask": action.long()}

    def split(self) -> dict[str, Tensor]:
        """Prompts padded on the left, answers on the right, and what belongs to the answers' tokens."""
        prompts = [torch.from_numpy(row.ids[~row.action]) for row in self.rows]
        answers = [torch.from_numpy(row.ids[row.action]) for row in self.rows]
        old = [torch.from_numpy(row.logprobs[row.action]) for row in self.rows]
        width = max(map(len, prompts))
        flip = [torch.nn.functional.pad(prompt, (width - len(prompt), 0)) for prompt in prompts]
        return {
            "prompt_ids": torch.stack(flip),
            "prompt_mask": torch.stack([(torch.arange(width) >= width - len(prompt)).long() for prompt in prompts]),
            "completion_ids": pad_sequence(answers, batch_first=True),
            "completion_mask": pad_sequence([torch.ones(len(answer), dtype=torch.long) for answer in answers], True),
            "old_per_token_logps": pad_sequence(old, batch_first=True),
            "old_logps": torch.stack([part.sum() for part in old]),
            "advantages": torch.from_numpy(self.advantages).float(),
            "num_items_in_batch": torch.tensor(float(sum(map(len, answers)))),
        }


@pytest.fixture
def case(model: LlamaForCausalLM, make_rows: Rows) -> Iterator[Case]:
    model.eval()
    reference = LlamaForCausalLM(model.config).eval()
    reference.load_state_dict({name: value * 0.9 for name, value in model.state_dict().items()})
    rows = [replace(row, label=(1, -1)[index % 2]) for index, row in enumerate(make_rows(4, 2))]
    with torch.no_grad():  # a behaviour policy near the policy, as after an update or two
        noise = torch.Generator().manual_seed(0)
        for row in rows:
            scores = forward(model, pack([row])).logprobs
            row.logprobs[:] = (scores + 0.2 * torch.randn(len(scores), generator=noise)).numpy() * row.action
    advantages = np.linspace(-1.5, 1.0, len(rows))
    batch = with_reference(pack(rows, advantages), reference, 8192)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Case(rows, model, reference, with_mismatch(batch, rows, model, reference, 8192), advantages)


def agree(case: Case, objective: Objective, theirs: Callable[[], Tensor], value: bool = True) -> None:
    """value: the losses are the same number too, not only up to a constant."""

    def gradient(loss: Tensor) -> Tensor:
        case.model.zero_grad()
        loss.backward()
        return torch.cat([p.grad.flatten() for p in case.model.parameters() if p.grad is not None])

    loss, other = objective(case.batch, forward(case.model, case.batch))[0], theirs()
    if value:
        assert loss.item() == pytest.approx(other.item(), rel=TOLERANCE)
    one, two = gradient(loss), gradient(other)
    assert two.norm() > 1e-3
    assert (one - two).norm() < TOLERANCE * two.norm()


def policy_trainer(case: Case, folder: Path, kind: str, **options: Any) -> Any:
    from datasets import Dataset  # type: ignore[import-untyped]
    from trl.trainer import grpo_config, grpo_trainer, rloo_config, rloo_trainer

    config, trainer = {
        "grpo": (grpo_config.GRPOConfig, grpo_trainer.GRPOTrainer),
        "rloo": (rloo_config.RLOOConfig, rloo_trainer.RLOOTrainer),
    }[kind]
    length = {"max_completion_length": LONGEST, "num_generations": 2, "per_device_train_batch_size": 2}
    made = trainer(
        model=case.model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=config(output_dir=str(folder), beta=0.0, **length, **ON_CPU, **options),
        train_dataset=Dataset.from_dict({"prompt": ["a", "b"]}),
        processing_class=nano_tokenizer(),
    )
    made.current_gradient_accumulation_steps = 1
    return made


@pytest.mark.parametrize(
    ("kind", "options", "objective"),
    [
        ("grpo", {"epsilon": 0.2}, PolicyGradient(clip_low=0.2, clip_high=0.2, aggregation="sequence_mean")),
        (
            "dapo",
            {"epsilon": 0.2, "epsilon_high": 0.28},
            PolicyGradient(clip_low=0.2, clip_high=0.28, aggregation="token_mean"),
        ),
        ("bnpo", {"epsilon": 0.1}, PolicyGradient(clip_low=0.1, clip_high=0.1, aggregation="token_mean")),
        (
            "dr_grpo",
            {"epsilon": 0.2},
            PolicyGradient(clip_low=0.2, clip_high=0.2, aggregation="constant", constant=LONGEST),
        ),
        (
            "grpo",
            {"epsilon": 0.05, "importance_sampling_level": "sequence"},
            PolicyGradient(ratio="sequence", clip_low=0.05, clip_high=0.05, aggregation="sequence_mean"),
        ),
        ("cispo", {"epsilon_high": 1.1}, ClippedWeight(clip_high=0.1)),
    ],
    ids=["grpo", "dapo", "bnpo", "dr_grpo", "gspo", "cispo"],
)
def test_policy_gradients(case: Case, tmp_path: Path, kind: str, options: dict[str, Any], objective: Objective) -> None:
    trainer = policy_trainer(case, tmp_path, "grpo", loss_type=kind, **options)
    agree(case, objective, lambda: trainer._compute_loss(case.model, case.split()))


def test_rloo_on_fresh_samples(case: Case, tmp_path: Path) -> None:
    """TRL's has the ratio in the loss, ours the log-probability: where the ratio is 1 the gradients are the same."""
    trainer = policy_trainer(case, tmp_path, "rloo")
    inputs = case.split()
    scores = forward(case.model, case.batch).logprobs.detach()
    inputs["old_logps"] = torch.zeros(len(case.rows)).index_add(0, case.batch.sequence_id, scores)
    objective = PolicyGradient(ratio="none", aggregation="sequence_sum")
    agree(case, objective, lambda: trainer._compute_loss(case.model, inputs), value=False)


def preference_data() -> Any:
    from datasets import Dataset

    return Dataset.from_dict({"prompt": ["a", "b"], "chosen": ["c", "d"], "rejected": ["e", "f"]})


@pytest.mark.parametrize(
    ("kind", "objective"),
    [("sigmoid", DPO(beta=0.3)), ("ipo", IPO(tau=0.3)), ("nca_pair", NCA(beta=0.3, alpha=0.0))],
    ids=["sigmoid", "ipo", "nca_pair"],
)
def test_pairs_with_a_reference(case: Case, tmp_path: Path, kind: str, objective: Objective) -> None:
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    trainer = DPOTrainer(
        model=case.model,
        ref_model=case.reference,
        args=DPOConfig(output_dir=str(tmp_path), loss_type=[kind], beta=0.3, gradient_checkpointing=False, **ON_CPU),
        train_dataset=preference_data(),
        processing_class=nano_tokenizer(),
    )
    reward = torch.where(case.batch.label > 0, 1.0, 0.0)
    case.batch = replace(case.batch, reward=reward)
    inputs = case.padded([*case.rows[0::2], *case.rows[1::2]])
    agree(case, objective, lambda: trainer._compute_loss(case.model, inputs, False))


def test_kto(case: Case, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl.trainer.kto_config import KTOConfig
    from trl.trainer.kto_trainer import KTOTrainer

    from palaestra.episodes.views import behind

    options = {"beta": 0.3, "desirable_weight": 1.5, "undesirable_weight": 0.5}
    data = {"prompt": ["a", "b"], "completion": ["c", "d"], "label": [True, False]}
    trainer = KTOTrainer(
        model=case.model,
        ref_model=case.reference,
        args=KTOConfig(
            output_dir=str(tmp_path), per_device_train_batch_size=2, gradient_checkpointing=False, **options, **ON_CPU
        ),
        train_dataset=Dataset.from_dict(data),
        processing_class=nano_tokenizer(),
    )
    others = [case.rows[(i // 2 * 2 + 2) % 8].prompt for i in range(len(case.rows))]
    crossed = case.padded([behind(prompt, row) for prompt, row in zip(others, case.rows, strict=True)])
    inputs = case.padded(case.rows) | {f"KL_{name}": value for name, value in crossed.items()}
    inputs["label"] = torch.tensor([row.label > 0 for row in case.rows])
    agree(case, KTO(**options), lambda: trainer._compute_loss(case.model, inputs, False))
    flipped = replace(case.batch, mismatch=case.batch.mismatch + 3)  # the reference point counts
    assert KTO(**options)(flipped, forward(case.model, flipped))[0] != trainer._compute_loss(case.model, inputs, False)


def means(case: Case) -> tuple[Tensor, Tensor]:
    """Log-probability a token of the chosen and of the rejected answers, by one plain forward pass a row."""
    scores = []
    for row in case.rows:
        ids, action = torch.from_numpy(row.ids), torch.from_numpy(row.action)
        logp = case.model(ids[None]).logits[0, :-1].log_softmax(-1).gather(1, ids[1:, None]).squeeze(1)
        scores.append(logp[action[1:]].mean())
    return torch.stack(scores[0::2]), torch.stack(scores[1::2])


class Options:
    """What TRL's experimental loss functions read of their trainer."""

    def __init__(self, **options: Any) -> None:
        self.__dict__.update(options)
        self.accelerator = type("Accelerator", (), {"device": torch.device("cpu")})


def test_simpo(case: Case) -> None:
    from trl.experimental.cpo.cpo_trainer import CPOTrainer

    options = Options(alpha=0.0, beta=2.5, simpo_gamma=0.7, loss_type="simpo", label_smoothing=0.0)
    theirs: Any = CPOTrainer.cpo_loss
    agree(case, SimPO(beta=2.5, gamma=0.7), lambda: theirs(options, *means(case))[0].mean())


def test_orpo(case: Case) -> None:
    from trl.experimental.orpo.orpo_trainer import ORPOTrainer

    theirs: Any = ORPOTrainer.odds_ratio_loss

    def loss() -> Tensor:
        chosen, rejected = means(case)
        ratios: Tensor = theirs(Options(beta=0.2), chosen, rejected)[0]
        return -chosen.mean() - ratios.mean()

    agree(case, ORPO(coefficient=0.2), loss)
