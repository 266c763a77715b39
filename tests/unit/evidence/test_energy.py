"""Energy counters: a made-up powercap folder, and a made-up driver library."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.evidence import energy, idle, timed_party
from engine.evidence.energy import Board, energy_meter, rapl
from engine.evidence.metering import metered
from engine.evidence.nvml import gpu_by_uuid, gpu_of
from engine.evidence.speed import measure
from engine.evidence.speed_notes import busy
from engine.evidence.subject import Subject
from engine.evidence.timed_party import in_this_process
from tests.support.fake_nvml import (
    GPU_IS_LOST,
    NO_PERMISSION,
    NOT_SUPPORTED,
    FakeNvml,
)
from tests.support.models import tiny_model


def _zone(folder: Path, zone: str, name: str, microjoules: int, turn: int = 1_000_000) -> Path:
    made = folder / zone
    made.mkdir()
    for file, value in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", turn)):
        (made / file).write_text(f"{value}\n")
    return made


def test_packages_count_and_what_is_in_them_or_beside_them_does_not(tmp_path):
    first = _zone(tmp_path, "intel-rapl:0", "package-0", 900_000)
    second = _zone(tmp_path, "intel-rapl:1", "package-1", 10)
    _zone(tmp_path, "intel-rapl:0:0", "core", 5)
    _zone(tmp_path, "intel-rapl:2", "psys", 7)
    _zone(tmp_path, "intel-rapl-mmio:0", "package-0", 9)
    meter = rapl(tmp_path)
    assert meter is not None
    before = meter.read()
    assert before == (900_000, 10)
    (first / "energy_uj").write_text("100000\n")  # it turned over: 100,000 + 100,000 were used
    (second / "energy_uj").write_text("500010\n")
    after = meter.read()
    assert after and meter.joules(before, after) == pytest.approx(0.7)


def test_a_counter_that_may_not_be_read_is_none(tmp_path):
    assert rapl(tmp_path / "nothing") is None
    zone = _zone(tmp_path, "intel-rapl:0", "package-0", 1)
    (zone / "energy_uj").unlink()
    assert rapl(tmp_path) is None
    (zone / "max_energy_range_uj").unlink()
    assert rapl(tmp_path) is None


ENERGY, LOAD = "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetUtilizationRates"


def test_a_gpu_is_read_through_its_driver():
    """mJ of 64 bits, and the first of two percents, through a handle of 64 bits."""
    driver = FakeNvml(millijoules=(5_000_000_345, 5_000_012_345), utilisation=37)
    gpu = gpu_by_uuid(driver, "abc")
    assert gpu and gpu.utilisation() == 0.37
    board = Board(gpu)
    before, after = board.read(), board.read()
    assert before == (5_000_000_345,) and after
    assert board.joules(before, after) == 12.0
    assert gpu_by_uuid(driver, "GPU-abc") and gpu_by_uuid(driver, "other") is None


@pytest.mark.parametrize("code", [NOT_SUPPORTED, NO_PERMISSION, GPU_IS_LOST])
def test_what_the_driver_refuses_is_not_read(code):
    gpu = gpu_by_uuid(FakeNvml(millijoules=(7,), errors={ENERGY: code, LOAD: code}), "abc")
    assert gpu and gpu.utilisation() is None and gpu.millijoules() is None
    assert Board(gpu).read() is None
    assert gpu_by_uuid(FakeNvml(errors={"nvmlInit_v2": code}), "abc") is None


def test_a_driver_too_old_to_be_asked_is_no_error():
    gpu = gpu_by_uuid(FakeNvml(missing=(ENERGY,), utilisation=5), "abc")
    assert gpu and gpu.millijoules() is None and gpu.utilisation() == 0.05
    assert gpu_by_uuid(FakeNvml(missing=("nvmlInit_v2",)), "abc") is None


def test_a_counter_that_began_anew_gives_no_energy():
    gpu = gpu_by_uuid(FakeNvml(), "abc")
    assert gpu and Board(gpu).joules((900,), (100,)) is None


@pytest.mark.parametrize(
    ("counter", "told"),
    [((0, 4_000, 4_000, 12_000), (True, True)), ((0, 0, 0, 9_000), (False, True)),
     ((9_000, 9_500, 9_500, 20), (True, False))],
)  # fmt: skip
def test_a_board_is_metered_in_joules_and_a_counter_that_stood_still_is_no_zero(counter, told):
    gpu = gpu_by_uuid(FakeNvml(millijoules=counter), "abc")
    assert gpu
    subject = Subject(tiny_model("llama"), None, threads={"prefill": 1, "decode": 1})
    with torch.inference_mode():
        found = metered(subject, torch.arange(10)[None], 4, "dynamic", Board(gpu), 0.0)
    assert found and (found.prefill is not None, found.decode is not None) == told
    if all(told):
        assert found.prefill == pytest.approx(1000 * 4.0 / 10)
        assert found.decode == pytest.approx(1000 * 8.0 / 4)


def test_a_load_that_nobody_tells_is_said():
    assert "Whether the GPU was idle is not known" in busy("GPU", None)
    assert busy("GPU", 0.02) == "" and "took up to 37 %" in busy("GPU", 0.37)


def test_a_processor_is_no_gpu_and_its_load_is_not_the_gpus():
    cpu = torch.device("cpu")
    assert gpu_of(cpu) is None and idle.device_load(cpu) is None


class _Counter:
    """Counts 2 J for every reading."""

    source = "made up"

    def __init__(self) -> None:
        self.readings = 0

    def read(self) -> tuple[int, ...]:
        self.readings += 1
        return (self.readings,)

    def joules(self, before, after) -> float:
        return 2.0 * (after[0] - before[0])


def _measured(batch: int = 1):
    original, converted = tiny_model("llama"), tiny_model("llama")
    return measure(
        in_this_process(original, converted), context_tokens=(32, 64), decode_tokens=4,
        repeats=3, trained_context=512, learned_positions=False, batch=batch,
    )[0]  # fmt: skip


def test_energy_is_told_per_thousand_tokens_of_each_phase(monkeypatch):
    monkeypatch.setattr(timed_party, "energy_meter", lambda device: _Counter())
    monkeypatch.setattr(timed_party, "_METERED_S", 0.0)
    found = _measured().energy
    assert found and found.source == "made up"
    assert [point.context_tokens for point in found.points] == [32, 64]
    assert found.points[0].original_prefill is not None
    assert found.points[0].original_prefill > found.points[1].original_prefill > 0
    several = _measured(batch=2).energy
    assert several
    for one, two in zip(found.points, several.points, strict=True):
        assert two.converted_decode == pytest.approx((one.converted_decode or 0) / 2)


def test_without_a_counter_there_is_no_energy(monkeypatch, tmp_path):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    assert energy_meter(torch.device("cpu")) is None
    assert _measured().energy is None
