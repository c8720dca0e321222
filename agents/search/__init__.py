"""Tree search: ``tree.py`` has the words, ``world.py`` how searches ask; then a file for each method and world."""
