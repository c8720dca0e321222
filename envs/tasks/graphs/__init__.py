"""Graphs: paths, colourings, orders, trees, reachability."""
