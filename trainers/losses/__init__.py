"""Objectives: pure functions from (batch, outputs) to (scalar, metrics)."""

from .clipped_weight import ClippedWeight, RewriteGuided
from .contrastive import NCA, ImplicitCrossEntropy, InfoNCA
from .evaluator import BradleyTerry, OutcomeCrossEntropy, StepCrossEntropy, StepValue, ValueRegression
from .kto import KTO
from .mirror_descent import MirrorDescent
from .nll import NLL, AdvantageWeighted
from .objective import Joint, Objective
from .policy_gradient import PolicyGradient
from .preference import DPO, IPO, ORPO, SimPO
from .value import ClippedValue, Expectile

__all__ = [
    "DPO",
    "IPO",
    "KTO",
    "NCA",
    "NLL",
    "ORPO",
    "AdvantageWeighted",
    "BradleyTerry",
    "ClippedValue",
    "ClippedWeight",
    "Expectile",
    "ImplicitCrossEntropy",
    "InfoNCA",
    "Joint",
    "MirrorDescent",
    "Objective",
    "OutcomeCrossEntropy",
    "PolicyGradient",
    "RewriteGuided",
    "SimPO",
    "StepCrossEntropy",
    "StepValue",
    "ValueRegression",
]
