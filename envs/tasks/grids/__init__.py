"""Grids: pictures, boards and ways through them."""
