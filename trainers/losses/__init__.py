"""Objectives: pure functions from (batch, outputs) to (scalar, metrics)."""

from .clipped_weight import ClippedWeight
from .contrastive import NCA, InfoNCA
from .evaluator import BradleyTerry, OutcomeCrossEntropy, ValueRegression
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
    "BradleyTerry",
    "ClippedWeight",
    "InfoNCA",
    "Objective",
    "OutcomeCrossEntropy",
    "PolicyGradient",
    "SimPO",
    "ValueRegression",
]
