"""Energy counters: a made-up powercap folder, and a made-up driver library."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
import torch

from engine.evidence import energy, idle, timed_party
from engine.evidence.energy import Board, energy_meter, rapl
from engine.evidence.nvml import gpu_by_uuid, gpu_of
from engine.evidence.speed import measure
from engine.evidence.timed_party import in_this_process
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


class _Driver:
    """The driver's library as far as it is called; `works` False refuses the readings."""

    def __init__(self, works: bool = True) -> None:
        self.works, self.asked = works, b""

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetHandleByUUID(self, uuid, handle) -> int:
        self.asked = uuid
        return 0 if uuid == b"GPU-abc" else 6

    def nvmlDeviceGetUtilizationRates(self, handle, found) -> int:
        found._obj.gpu = 37
        return 0 if self.works else 3

    def nvmlDeviceGetTotalEnergyConsumption(self, handle, found) -> int:
        found._obj.value = 12_345
        return 0 if self.works else 3


def test_a_gpu_is_read_through_its_driver():
    gpu = gpu_by_uuid(_Driver(), "abc")
    assert gpu and gpu.utilisation() == 0.37
    board = Board(gpu)
    assert board.read() == (12_345,) and board.joules((345,), (12_345,)) == 12.0
    silent = gpu_by_uuid(_Driver(works=False), "GPU-abc")
    assert silent and silent.utilisation() is None and silent.millijoules() is None
    assert gpu_by_uuid(_Driver(), "other") is None


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


def test_ctypes_structures_are_as_nvml_writes_them():
    from engine.evidence.nvml import _Utilisation

    assert ctypes.sizeof(_Utilisation) == 8
