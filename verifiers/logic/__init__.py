"""Logic and SMT: formulas in plain text, decided by truth tables and z3."""

from .decision import Satisfiability, entails, equivalent, satisfiable
from .formula import Formula, FormulaError, Term, parse_declarations, parse_formula
from .verifier import FormulaVerifier, ModelVerifier

__all__ = [
    "Formula",
    "FormulaError",
    "FormulaVerifier",
    "ModelVerifier",
    "Satisfiability",
    "Term",
    "entails",
    "equivalent",
    "parse_declarations",
    "parse_formula",
    "satisfiable",
]
