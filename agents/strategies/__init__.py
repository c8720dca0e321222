"""Strategies: agents that wrap an agent and make it reason otherwise. ``table.py`` names them all."""
