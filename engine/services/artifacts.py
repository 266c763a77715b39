"""Converted models as files: a plain transformers folder plus `conversion.json`.

The weights keep the family's names and the mixers' are added to them, so the same folder is
inspectable with any safetensors tool. Nothing in it is code. Beside a model that was fine-tuned
`finetuning.json` says which step was kept.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import safe_open
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from engine.configs import KeptLayers
from engine.errors import UnsafeModel
from engine.evidence.results import FinetuningEnd
from engine.methods import AnyMethod
from engine.models.check import CONVERSION_FILE
from engine.models.load import Loaded, load
from engine.services.convert import convert

FINETUNING_FILE = "finetuning.json"


class ConversionRecord(BaseModel):
    """What must be known besides the weights to rebuild a converted model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: AnyMethod = Field(discriminator="name")
    kept: KeptLayers


def save_model(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    conversion: ConversionRecord | None = None,
    finetuning: FinetuningEnd | None = None,
) -> None:
    """Write weights (safetensors), config and tokenizer; for a converted model its record too, and
    how its fine-tuning ended where it had one."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if conversion is not None:
        (folder / CONVERSION_FILE).write_text(conversion.model_dump_json(indent=2) + "\n", "utf-8")
    if finetuning is not None:
        (folder / FINETUNING_FILE).write_text(finetuning.model_dump_json() + "\n", "utf-8")


def finetuning_end(folder: Path) -> FinetuningEnd | None:
    """How the fine-tuning of the model in this folder ended; None where that was not written."""
    file = folder / FINETUNING_FILE
    if not file.is_file():
        return None
    return FinetuningEnd.model_validate_json(file.read_text("utf-8"))


def is_converted(folder: Path) -> bool:
    """Whether a folder holds a converted model."""
    return (folder / CONVERSION_FILE).is_file()


def load_converted(folder: Path, *, device: str = "cpu") -> Loaded:
    """Rebuild a converted model from its folder: the family's model, converted, mixers loaded.

    Raises:
        UnsafeModel: `conversion.json` or the mixers' weights are missing or do not fit.
    """
    try:
        record = ConversionRecord.model_validate_json((folder / CONVERSION_FILE).read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise UnsafeModel(
            f"{folder.name} is not a converted model: {CONVERSION_FILE} cannot be read.",
            "Point to a folder that a run wrote (its `converted` folder).",
        ) from error
    loaded = load(str(folder), device=device, converted=True)
    convert(loaded.model, record.method, record.kept, seed=0)
    wanted = {n: p for n, p in loaded.model.state_dict().items() if ".mixer." in n}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt", device=device) as tensors:
            for name in set(tensors.keys()) & set(wanted):
                wanted.pop(name).copy_(tensors.get_tensor(name))
    if wanted:
        raise UnsafeModel(
            f"{folder.name} lacks {len(wanted)} mixer weights, e.g. {min(wanted)}.",
            "The folder is incomplete: copy it again from the run.",
        )
    return loaded
