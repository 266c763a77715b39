"""The parts of `python -m engine`: settings from arguments, progress, tables."""
