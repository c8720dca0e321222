"""Evaluators: whatever judges answers, in one form. ``assessment.py`` has the words, the other files one kind each."""
