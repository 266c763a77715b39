"""Files and folders that the command line is given."""

from __future__ import annotations

from pathlib import Path

from engine.errors import BadRunConfig


def prompt_from(file: Path) -> str:
    """The text of a prompt file.

    Raises:
        BadRunConfig: it cannot be read as UTF-8 text.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRunConfig(
            f"{file} cannot be read as text.", "Give the path of a UTF-8 text file."
        ) from error


def destination(out: str | None) -> tuple[str | None, Path | None]:
    """Name and folder from --out: a bare name, or a path whose last part is the name."""
    if out is None:
        return None, None
    if "/" in out or out in (".", ".."):
        folder = Path(out).expanduser().resolve()
        return folder.name, folder
    return out, None
