"""Derivatives, integrals and limits, exactly."""
