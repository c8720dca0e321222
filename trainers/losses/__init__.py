"""Objectives: pure functions from (batch, outputs) to (scalar, metrics)."""

from .clipped_weight import ClippedWeight
from .contrastive import NCA, InfoNCA
from .kto import KTO
from .nll import NLL
from .objective import Objective
from .policy_gradient import PolicyGradient
from .preference import DPO, IPO, ORPO, SimPO

__all__ = [
    "DPO",
    "IPO",
    "KTO",
    "NCA",
    "NLL",
    "ORPO",
    "ClippedWeight",
    "InfoNCA",
    "Objective",
    "PolicyGradient",
    "SimPO",
]
