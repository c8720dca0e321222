"""Other people's environments under the contracts of this package; and ``trl``, the way out into a trainer of others.

Each adapter is a module of its own, imported when an id of its namespace is asked for; the library behind it, when it
is used.
"""
