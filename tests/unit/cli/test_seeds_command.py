"""Several seeds of one training, from the command line. Runs are stand-ins."""

from __future__ import annotations

import json

import pytest

from engine.__main__ import main
from engine.runs import service
from tests.support import example_runs as examples
from tests.support.example_seeds import trained
from tests.support.runs import make_run

pytestmark = pytest.mark.usefixtures("data_directory")


def _done(seed: int, **changes: object) -> str:
    config = examples.config(seed=seed, **changes)
    run_id = make_run(name=f"seed-{seed}", state="done", config=config)
    found = trained(seed).comparison.model_dump(mode="json")
    (service.get(run_id).folder / "comparison.json").write_text(json.dumps(found))
    return run_id


def test_runs_of_other_seeds_are_put_together(capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (0, 1, 2):
        _done(seed)
    make_run(name="unfinished", state="failed", config=examples.config(seed=3))
    assert main(["runs", "seeds", "seed-1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["seed"] for one in found["runs"]] == [0, 1, 2]
    assert list(found["verdicts"].values()) == [3]
    assert main(["runs", "seeds", "seed-1"]) == 0
    said = capsys.readouterr().out
    assert "3 seeds: " in said and " in all 3." in said and "standard deviation" in said


def test_a_run_alone_is_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    _done(0)
    assert main(["runs", "seeds", "seed-0"]) == 2
    assert "--seeds 0,1,2" in capsys.readouterr().err


def test_convert_makes_a_run_for_each_seed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, str | None]] = []

    def create(config, data, *, name, folder):
        made.append((config.seed, name))
        return _done(config.seed)

    monkeypatch.setattr(service, "create_run", create)
    monkeypatch.setattr(service, "start", lambda run_id: None)
    where = ["convert", "business-2k", "business-cases", "--out", "mine"]
    assert main([*where, "--seeds", "4,7", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert made == [(4, "mine-seed4"), (7, "mine-seed7")]
    assert [one["seed"] for one in found["seeds"]["runs"]] == [4, 7] and len(found["runs"]) == 2


@pytest.mark.parametrize("seeds", ["1", "1,1", "a,b", "-1,2", ""])
def test_seeds_that_are_none_are_refused(capsys: pytest.CaptureFixture[str], seeds: str) -> None:
    assert main(["convert", "business-2k", "business-cases", f"--seeds={seeds}"]) == 2
    assert "--seeds" in capsys.readouterr().err
