"""The two training stages on a tiny model: they learn, resume, and leave alone what they must."""

from __future__ import annotations

import copy

import pytest
import torch

from engine.configs import FinetuneSettings, KeptLayers, Recipe, TransferSettings
from engine.core.swap import observing
from engine.data.batches import batches
from engine.errors import Cancelled
from engine.events import Event, ignore
from engine.methods import T2R, Elu, Hybrid
from engine.services.adapters import adapters
from engine.services.artifacts import ConversionRecord, load_converted, save_model
from engine.services.convert import convert
from engine.services.finetune import finetune, learning_rate
from engine.services.open import load
from engine.services.transfer import transfer
from tests.support.datasets import tiny_dataset
from tests.support.models import tiny_model, tiny_tokenizer

RECIPE = Recipe(
    transfer=TransferSettings(steps=12),
    finetune=FinetuneSettings(steps=12, evaluate_every=4),
    tokens_per_step=256,
    max_tokens=48,
)


def converted_model(method=None, family="llama"):
    model = tiny_model(family)
    convert(model, method or T2R(feature_dim=8), KeptLayers(), seed=0)
    return model


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def stop_at(stage: str, step: int):
    def listen(event: Event) -> None:
        if event.kind == "loss" and event.stage == stage and event.step == step:
            raise Cancelled("stop", "resume")

    return listen


@pytest.mark.parametrize("method", [T2R(feature_dim=8), Hybrid(window=4, sinks=1)])
def test_transfer_lowers_its_loss_and_moves_mixers_only(method):
    model, events = converted_model(method), []
    before = weights(model)
    transfer(model, tiny_dataset(), RECIPE, seed=0, listen=events.append)
    losses = [e.values["transfer_loss"] for e in events if e.kind == "loss"]
    assert len(losses) == 12 and losses[-1] < 0.9 * losses[0]
    for name, now in weights(model).items():
        assert torch.equal(now, before[name]) != (".mixer." in name), name
    assert all(p.requires_grad for p in model.parameters())


def test_transfer_reports_and_revives_dead_features():
    model, events = converted_model(), []
    for mixer in model.conversion.mixers().values():
        mixer.feature_map.bias.data[:, 0] = -100.0
        mixer.feature_map.weight.data[:, 0] = 0.0
    recipe = Recipe(transfer=TransferSettings(steps=40), tokens_per_step=64)
    transfer(model, tiny_dataset(), recipe, seed=0, listen=events.append)
    shares = [e.values["dead_features"] for e in events if "dead_features" in e.values]
    assert shares[0] >= 1 / 8 and shares[-1] < shares[0]
    assert any("revived" in e.values.get("text", "") for e in events)


def test_transfer_says_so_when_there_is_nothing_to_learn():
    model, events = converted_model(Elu()), []
    transfer(model, tiny_dataset(), RECIPE, seed=0, listen=events.append)
    assert [e.kind for e in events] == ["note"]


def test_finetune_learns_and_keeps_the_best_reading():
    teacher, model, events = tiny_model("llama"), converted_model(), []
    before = weights(teacher)
    finetune(
        model, teacher, tiny_dataset(), RECIPE, track="converted", seed=0, listen=events.append
    )
    readings = [e.values["validation_loss"] for e in events if "validation_loss" in e.values]
    assert [e.step for e in events if "validation_loss" in e.values] == [0, 4, 8, 12]
    assert min(readings) < readings[0] and "teacher_loss" in events[0].values
    assert all(torch.equal(now, before[name]) for name, now in weights(teacher).items())


def run_both_stages(tmp_path, name, interrupt: bool):
    dataset, teacher, model = tiny_dataset(), tiny_model("llama"), converted_model()
    kinds = {"seed": 3, "checkpoint": None}
    if interrupt:
        kinds["checkpoint"] = tmp_path / f"{name}-transfer.pt"
        with pytest.raises(Cancelled):
            transfer(model, dataset, RECIPE, listen=stop_at("transferring", 5), **kinds)
        model = converted_model()
    transfer(model, dataset, RECIPE, listen=ignore, **kinds)
    kinds |= {"track": "converted"}
    if interrupt:
        kinds["checkpoint"] = tmp_path / f"{name}-finetune.pt"
        transferred = copy.deepcopy(weights(model))
        with pytest.raises(Cancelled):
            finetune(model, teacher, dataset, RECIPE, listen=stop_at("fine-tuning", 7), **kinds)
        model = converted_model()
        model.load_state_dict(transferred, strict=False)
    finetune(model, teacher, dataset, RECIPE, listen=ignore, **kinds)
    return weights(model)


def test_resumed_stages_end_with_the_same_weights(tmp_path):
    whole = run_both_stages(tmp_path, "whole", interrupt=False)
    resumed = run_both_stages(tmp_path, "resumed", interrupt=True)
    assert all(torch.equal(resumed[name], w) for name, w in whole.items())


@pytest.mark.parametrize("stage", ["transferring", "fine-tuning"])
def test_a_resume_between_two_counts_of_dead_features_goes_on_counting(stage, tmp_path):
    """A feature that fires only before the stop is no dead feature at the next count."""
    settings = {"steps": 80, "learning_rate": 1e-3}
    recipe = RECIPE.model_copy(
        update={
            "transfer": TransferSettings(**settings),
            "finetune": FinetuneSettings(**settings, evaluate_every=20, patience=9),
        }
    )
    teacher = tiny_model("llama")

    def run(model, listen, checkpoint):
        if stage == "transferring":
            transfer(model, tiny_dataset(), recipe, seed=0, listen=listen, checkpoint=checkpoint)
        else:
            finetune(
                model, teacher, tiny_dataset(), recipe, track="converted", seed=0,
                listen=listen, checkpoint=checkpoint,
            )  # fmt: skip

    def started():
        model = converted_model()
        phi = model.conversion.mixers()[0].feature_map
        phi.weight.data[0, 0], phi.bias.data[0, 0] = 0.0, 1.0  # on for every key
        return model, phi

    def trajectory(model, phi, *, stop=None, checkpoint=None):
        seen = []

        def listen(event):
            if event.kind == "loss":
                seen.append((event.step, event.values))
                if event.step == 23:
                    phi.bias.data[0, 0] = -100.0  # and off from here on
                if event.step == stop:
                    raise Cancelled("stop", "resume")

        try:
            run(model, listen, checkpoint)
        except Cancelled:
            seen += trajectory(*started(), checkpoint=checkpoint)
        else:
            seen.append(weights(model))
        return seen

    whole = trajectory(*started())
    resumed = trajectory(*started(), stop=27, checkpoint=tmp_path / "stage.pt")
    assert whole[:-1] == resumed[:-1]
    assert all(torch.equal(resumed[-1][name], w) for name, w in whole[-1].items())
    counts = [values["dead_features"] for _, values in whole[:-1] if "dead_features" in values]
    assert counts[1] < counts[2]  # it was alive at step 40, and dead at 60


@pytest.mark.parametrize("stage", ["transferring", "fine-tuning"])
def test_padding_keeps_no_feature_alive(stage):
    dataset, model = tiny_dataset(), converted_model()
    # The padding token gets the longest key that there can be, and a feature that looks for it.
    projection = model.model.layers[0].self_attn.k_proj.weight.detach()[:16]
    model.model.embed_tokens.weight.data[0] = torch.linalg.svd(projection).Vh[0]
    batch = batches(dataset.train, tokens_per_step=256, accumulation=1, seed=0)(0)[0]
    real = batch.labels != -100
    keys = {}
    with observing(model, lambda layer, mixer, q, k, *rest: keys.setdefault(layer, k)):
        model(input_ids=batch.input_ids)
    k, phi = keys[0][:, 0].detach(), model.conversion.mixers()[0].feature_map
    phi.weight.data[0, 0] = k[~real][0]
    phi.bias.data[0, 0] = -1.01 * (k[real] @ k[~real][0]).max()
    fires = phi.key(keys[0])[:, 0, :, 0] > 0
    assert fires[~real].any() and not fires[real].any()
    if stage == "transferring":
        once = RECIPE.model_copy(update={"transfer": TransferSettings(steps=1)})
        transfer(model, dataset, once, seed=0, listen=ignore)
    else:
        once = RECIPE.model_copy(update={"finetune": FinetuneSettings(steps=1, evaluate_every=1)})
        teacher = tiny_model("llama")
        finetune(model, teacher, dataset, once, track="converted", seed=0, listen=ignore)
    assert phi.dead[0, 0] and not phi.dead.all()


@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox"])
def test_adapters_train_few_weights_and_are_merged(family):
    teacher, model = tiny_model(family), converted_model(family=family)
    before, names = weights(model), list(model.state_dict())
    recipe = RECIPE.model_copy(
        update={"finetune": FinetuneSettings(steps=16, evaluate_every=4, lora_rank=2)}
    )
    finetune(model, teacher, tiny_dataset(), recipe, track="converted", seed=0, listen=ignore)
    assert list(model.state_dict()) == names
    changed = {name for name, now in weights(model).items() if not torch.equal(now, before[name])}
    assert changed and not any("mlp" in name or "embed" in name for name in changed)
    assert any(".mixer." in name for name in changed)
    assert any(".mixer." not in name for name in changed)


def test_the_seed_decides_the_adapters_not_what_was_drawn_before():
    ended = []
    for before in (1, 2):
        torch.manual_seed(before)
        model = tiny_model("llama")
        with adapters(model, 2, seed=0):
            first = {n: p.detach().clone() for n, p in model.named_parameters() if "lora_A" in n}
        ended.append(first)
        assert torch.initial_seed() == before
    assert ended[0] and all(torch.equal(ended[0][name], w) for name, w in ended[1].items())


def test_learning_rate_falls_with_model_size_unless_set():
    assert learning_rate(RECIPE, 10**6) == pytest.approx(1e-3)
    assert learning_rate(RECIPE, 10**9) < 5e-5
    fixed = Recipe(finetune=FinetuneSettings(learning_rate=0.01))
    assert learning_rate(fixed, 10**9) == 0.01


@pytest.mark.parametrize("method", [T2R(feature_dim=8), Hybrid(window=8)])
@torch.no_grad()
def test_saved_and_reloaded_is_the_same_model(tmp_path, method, monkeypatch):
    kept, model = KeptLayers(every=4), tiny_model("llama")
    convert(model, method, kept, seed=5)
    folder = tmp_path / "converted"
    save_model(folder, model, tiny_tokenizer(), ConversionRecord(method=method, kept=kept))
    ids = torch.arange(3, 83)[None]
    loaded = load_converted(folder)
    assert torch.equal(loaded.model(ids).logits, model(ids).logits)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert torch.equal(load("~/converted").model(ids).logits, model(ids).logits)
