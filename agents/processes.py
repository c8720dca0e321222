"""The processes that train one model together, as ``accelerate launch`` starts them; without it there is one.

All hold the same episodes and the same weights, and take the same steps. The first one writes the files and speaks.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


class LaunchError(ValueError):
    """What ``accelerate launch`` was told does not go with this program; the message says what to tell it."""


def join() -> None:
    """Meet the processes that were launched with this one: over gloo on CPUs, over NCCL on GPUs.

    Raises:
        LaunchError: an option of the launcher that would have no effect, or another than was meant.
    """
    if _asked("ACCELERATE_MIXED_PRECISION", "no") != "no":
        raise LaunchError("--mixed_precision has no effect here: leave it away, and set model.dtype=bfloat16")
    if "MASTER_ADDR" in os.environ and "ACCELERATE_USE_CPU" in os.environ and "WORLD_SIZE" not in os.environ:
        raise LaunchError("accelerate started one process only: say --multi_gpu, on CPUs too, and leave --cpu away")
    if sharding_asked():
        if _asked("FSDP_VERSION", "1") != "2":
            raise LaunchError("say --fsdp_version 2: the first version of FSDP is not supported")
        for option in ("FSDP_OFFLOAD_PARAMS", "FSDP_ACTIVATION_CHECKPOINTING"):
            if _asked(option, "false") == "true":
                raise LaunchError(f"--{option.lower()} has no effect here: see gradient_checkpointing of model")
        # Else transformers would load weights in the first process only, and leave the others' as they fall.
        os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        from accelerate import PartialState

        if cuda_asked():
            PartialState(backend="cpu:gloo,cuda:nccl")
        else:
            PartialState(cpu=True)


def sharding_asked() -> bool:
    """Whether the model is to be cut up among the processes (FSDP)."""
    return _asked("ACCELERATE_USE_FSDP", "false") == "true"


def cuda_asked() -> bool:
    """Whether there is a GPU, and the launcher did not say --cpu."""
    return torch.cuda.is_available() and _asked("ACCELERATE_USE_CPU", "false") != "true"


def _asked(name: str, default: str) -> str:
    return os.environ.get(name, default).lower()


def device(asked: str = "auto") -> torch.device:
    """This process's device: "cpu", "cuda", or "auto", which is cuda where there is one.

    Raises:
        LaunchError: there is none.
    """
    if asked == "cpu" or (asked == "auto" and not cuda_asked()):
        return torch.device("cpu")
    if not cuda_asked():
        raise LaunchError("model.device is cuda, but torch sees no GPU (or --cpu was said): set model.device=auto")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    return rank() == 0


def share(items: Sequence[T]) -> Sequence[T]:
    """This process's part of what all are to do: neighbours stay together."""
    return items[len(items) * rank() // count() : len(items) * (rank() + 1) // count()]


def each(total: int, most: int) -> int:
    """How much of ``total`` a process takes at once, so that there is some for all: at most ``most``."""
    return min(most, -(-total // count()))


def gather(mine: T) -> list[T]:
    """What each process brings, in their order."""
    if count() == 1:
        return [mine]
    all_of_them: list[T] = [mine] * count()
    dist.all_gather_object(all_of_them, mine)
    return all_of_them


def agreed(value: T, what: str) -> T:
    """A value that all processes must share.

    Raises:
        RuntimeError: they do not.
    """
    if any(other != value for other in gather(value)):
        raise RuntimeError(
            f"the processes do not hold the same {what}: nothing that they learn together means anything"
        )
    return value


def wait() -> None:
    """Until all processes are here."""
    if count() > 1:
        dist.barrier()


def add_up(tensors: Iterable[Tensor]) -> None:
    """Make each tensor the sum of all processes' own."""
    if count() > 1:
        under_way = [dist.all_reduce(tensor, async_op=True) for tensor in tensors]
        for work in under_way:
            work.wait()


def set_threads(threads: int | None) -> int:
    """Fix the number of threads torch computes with, which its sums depend on; give the number in force."""
    if threads is not None:
        torch.set_num_threads(threads)
    return torch.get_num_threads()


def keep_freed_memory() -> None:
    """Let the C library keep what torch frees, where it can be told to (glibc).

    Otherwise each step's activations are given back and mapped anew, page by page: about a tenth of a step's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most it takes
        mallopt(M_TRIM_THRESHOLD, 1 << 30)
