"""Which code did a run's attention, stage by stage, for its record: what ran, not what was to."""

from __future__ import annotations

from transformers import PreTrainedModel

from engine.core.decoding import steps_taken
from engine.core.geometry import attention_function
from engine.core.swap import conversion_of
from engine.kernels.dispatch import Stage

_NAMES = {"triton": "Triton kernels", "pytorch": "PyTorch"}
_NOT_RUN = "not run"


def ran(model: PreTrainedModel, stage: Stage) -> str | None:
    """Who has computed this stage of a converted model's attention in this process; None if it has
    not run, or by no mixer of ours."""
    found = {
        backend
        for mixer in conversion_of(model).mixers().values()
        for backend in mixer.ran.get(stage, ())
    }
    return " and ".join(sorted(_NAMES[name] for name in found)) or None


def backends(
    original: PreTrainedModel, converted: PreTrainedModel, *, training: str | None
) -> str:
    """One sentence: the original's attention function, who computed each stage of the converted
    model's, and how the decode steps of both ran.

    Args:
        training: what the record of the fine-tuning says; None where it says nothing.
    """
    ways = [steps_taken(model) or _NOT_RUN for model in (original, converted)]
    steps = ways[0] if ways[0] == ways[1] else f"original {ways[0]}, converted {ways[1]}"
    return (
        f"original: {attention_function(original)}; converted: training {training or _NOT_RUN}, "
        f"chunked prefill {ran(converted, 'prefill') or _NOT_RUN}, "
        f"recurrent decode {ran(converted, 'decode') or _NOT_RUN}; decode steps: {steps}"
    )
