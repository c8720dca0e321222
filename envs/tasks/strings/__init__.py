"""Strings and formal languages: brackets, automata, regular expressions, ciphers, edits."""
