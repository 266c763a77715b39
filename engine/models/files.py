"""Which files of a model are its weights and its tokenizer, and whether they may be loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from engine.errors import ModelNotFound, UnsafeModel
from engine.models.source import WEIGHTS, WEIGHTS_INDEX, Source

_PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
_OTHER_WEIGHTS = {".gguf", ".h5", ".msgpack", ".onnx", ".safetensors"}


def weight_files(source: Source) -> list[str]:
    """Names of the safetensors files that hold the weights, sorted.

    Raises:
        UnsafeModel: only pickled or foreign weights, or none, or shards outside the folder.
        ModelNotFound: a shard is missing.
    """
    if WEIGHTS in source.files:
        return [WEIGHTS]
    if WEIGHTS_INDEX not in source.files:
        raise _no_safetensors(source)
    shards = source.read_json(WEIGHTS_INDEX).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise UnsafeModel(
            f"{WEIGHTS_INDEX} of {source.ref} names no files.", "Get a clean copy of the model."
        )
    names = sorted({str(name) for name in shards.values()})
    for name in names:
        # Only plain names: "../x", "/x", "a/b" and Windows paths could all leave the folder.
        if PurePosixPath(name).name != name or "\\" in name or ":" in name:
            raise UnsafeModel(
                f"{WEIGHTS_INDEX} of {source.ref} points at {name!r}, outside the model's folder.",
                "Do not use this model; get it from a source you trust.",
            )
        if not name.endswith(".safetensors"):
            raise UnsafeModel(
                f"{WEIGHTS_INDEX} of {source.ref} names {name}, which is not safetensors.",
                "Choose a version of the model with safetensors weights.",
            )
        if name not in source.files:
            raise ModelNotFound(
                f"The weight file {name} of {source.ref} is missing.",
                "Copy or download the model again, with all its parts.",
            )
    return names


def weights_sha256(files: Sequence[Path]) -> str:
    """SHA-256 over the files' bytes one after the other, by file name, in lower-case hex."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda path: path.name):
        with file.open("rb") as stream:
            while chunk := stream.read(2**20):
                digest.update(chunk)
    return digest.hexdigest()


def _no_safetensors(source: Source) -> UnsafeModel:
    pickles = [name for name in source.files if PurePosixPath(name).suffix in _PICKLES]
    others = [name for name in source.files if PurePosixPath(name).suffix in _OTHER_WEIGHTS]
    if pickles:
        return UnsafeModel(
            f"{source.ref} holds its weights only as pickle ({', '.join(sorted(pickles)[:3])}), "
            "which can run any code when opened.",
            "Choose a version with model.safetensors, or have the weights saved anew with "
            "save_pretrained by someone who trusts them.",
        )
    if others:
        return UnsafeModel(
            f"{source.ref} has no {WEIGHTS}, only {', '.join(sorted(others)[:3])}.",
            "Choose the version in transformers' own format.",
        )
    return UnsafeModel(
        f"{source.ref} holds no weights at all: there is no {WEIGHTS}.",
        "Copy or download the model again, with its weights.",
    )


def require_tokenizer(source: Source) -> None:
    """Refuse a model whose tokenizer is missing or needs remote code.

    Raises:
        ModelNotFound, UnsafeModel
    """
    described = "tokenizer_config.json" in source.files
    if described and source.read_json("tokenizer_config.json").get("auto_map"):
        raise UnsafeModel(
            f"The tokenizer of {source.ref} needs code from its own repository "
            "(auto_map in tokenizer_config.json).",
            "Such code is never run. Choose a model with a plain fast tokenizer.",
        )
    if "tokenizer.json" in source.files or {"vocab.json", "merges.txt"} <= source.files.keys():
        return
    if "tokenizer.model" in source.files:
        raise ModelNotFound(
            f"{source.ref} has only a SentencePiece tokenizer (tokenizer.model).",
            "Save it once as a fast tokenizer: "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder).",
        )
    raise ModelNotFound(
        f"{source.ref} has no tokenizer (tokenizer.json).",
        "Copy the tokenizer's files into the model's folder: tokenizer.save_pretrained(folder).",
    )
