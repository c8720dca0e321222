"""Objectives: pure functions from (batch, outputs) to (scalar, metrics)."""

from .nll import nll
from .policy_gradient import PolicyGradient

__all__ = ["PolicyGradient", "nll"]
