"""What to tell where a package that the program needs is not installed. Imports nothing itself."""

from __future__ import annotations

_OURS = ("app", "engine")


def not_installed(error: ModuleNotFoundError) -> tuple[str, str] | None:
    """Message and hint for a missing package; None where the missing module is one of ours."""
    package = (error.name or "").partition(".")[0]
    if not package or package in _OURS:
        return None
    return (
        f"The package {package!r} is not installed for this Python.",
        "Run `pip install -r requirements.txt`; or `make run`, which installs everything into .venv"
        " once, and then use `.venv/bin/python` instead of `python`.",
    )
