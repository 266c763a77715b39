"""Count the features that never fire, tell the user, and give them another start."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from engine.events import Event, Listener, Stage


def read_and_revive(
    model: PreTrainedModel, *, seed: int, revive: bool, stage: Stage, listen: Listener
) -> dict[str, float]:
    """Share of dead features over all mixers since the last reading, as values for a loss event.

    Args:
        model: any model; one without mixers, or whose features cannot die, gives nothing.
        seed: seed of the revived features' weights.
        revive: whether to give dead features new weights; late in a stage they could not recover.
        stage: the stage, for the note.
        listen: told how many were revived.
    """
    conversion = getattr(model, "conversion", None)
    mixers = conversion.mixers().values() if conversion else ()
    shares = [share for mixer in mixers if (share := mixer.dead_features()) is not None]
    if not shares:
        return {}
    if revive and any(shares):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            count = sum(mixer.revive() for mixer in mixers)
        listen(Event("note", stage, values={"text": f"{count} dead features revived."}))
    return {"dead_features": sum(shares) / len(shares)}
