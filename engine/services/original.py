"""The original of a run: the very weights that it was created with, or none."""

from __future__ import annotations

from engine.configs import FinetuneSettings, RunConfig
from engine.errors import OriginalChanged
from engine.models.load import Loaded, load


def load_original(
    config: RunConfig, *, device: str, finetune: FinetuneSettings | None = None
) -> Loaded:
    """Load the run's original, at its commit where it comes from the Hub.

    Args:
        config: the run's settings.
        device: where it runs, as torch names it.
        finetune: how the run trains it; None is for loading alone.

    Raises:
        OriginalChanged: its weights are others than when the run was created. Runs from before
            their hash was kept are not checked.
        EngineError: it cannot be loaded (see `load`).
    """
    loaded = load(config.model, device=device, finetune=finetune, revision=config.revision)
    require_same(config.weights_sha256, loaded.weights_sha256, config.model)
    return loaded


def require_same(pinned: str | None, found: str | None, model: str) -> None:
    """Check a hash of the original's weights against the run's, where both are known.

    Raises:
        OriginalChanged: they differ.
    """
    if pinned is not None and found is not None and pinned != found:
        raise OriginalChanged(
            f"The weights of {model} are not those the run was created with: SHA-256"
            f" {found[:12]}… instead of {pinned[:12]}….",
            "Put the original weights back, or create a new run for these.",
        )
