"""``python -m palaestra``."""

from palaestra.cli import main

main()
