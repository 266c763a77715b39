"""Votes are kept with the run, and nobody sees the sides before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.errors import BadRunConfig, OriginalChanged, ReadOnlyRun
from engine.evidence.votes import shuffled
from engine.runs import ballot, files, paths, service, store
from engine.services.jsonfile import write_json
from tests.support.runs import make_run

PAIRS = shuffled([(f"p{i}", f"original {i}", f"converted {i}") for i in range(3)], seed=0)


@pytest.fixture
def run_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("T2R_STUDIO_DATA", str(tmp_path / "data"))
    made = make_run(name="voted")
    write_json(service.get(made).folder / "pairs.json", PAIRS.model_dump(mode="json"))
    return made


def test_votes_are_cast_replaced_and_counted(run_id: str) -> None:
    assert ballot.next_pair(run_id) == PAIRS.pairs[0]
    ballot.vote(run_id, 1, "tie")
    found = ballot.vote(run_id, 1, PAIRS.pairs[0].converted_side)
    assert (found.converted, found.tie) == (1, 0)
    assert ballot.next_pair(run_id) == PAIRS.pairs[1]
    for number in (2, 3):
        ballot.vote(run_id, number, "both_bad")
    assert ballot.next_pair(run_id) is None and ballot.counted(run_id).both_bad == 2


def test_what_is_no_vote_is_refused(run_id: str) -> None:
    for number, choice in ((1, "middle"), (4, "left"), (0, "left")):
        with pytest.raises(BadRunConfig):
            ballot.vote(run_id, number, choice)
    assert ballot.votes(run_id) == {}
    with pytest.raises(ReadOnlyRun):
        ballot.vote("sample-bundled", 1, "left")
    with pytest.raises(BadRunConfig, match="no pairs"):
        ballot.pairs(make_run(name="empty"))


def test_answers_of_another_original_are_not_voted_on(run_id: str) -> None:
    run = service.get(run_id)
    config = {**run.config, "weights_sha256": "a" * 64}
    store.update(run_id, config=json.dumps(config))
    ballot.vote(run_id, 1, "tie")  # pairs from before the hash was kept: no check
    for sha256 in ("a" * 64, "b" * 64):
        known = PAIRS.model_copy(update={"original_sha256": sha256})
        write_json(run.folder / "pairs.json", known.model_dump(mode="json"))
        if sha256 == config["weights_sha256"]:
            ballot.vote(run_id, 1, "left")
    with pytest.raises(OriginalChanged):
        ballot.vote(run_id, 1, "right")
    assert ballot.votes(run_id) == {1: "left"}


def test_the_command_line_votes_blindly(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vote", "voted", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["next"]["number"] == 1 and "converted_side" not in document["next"]
    assert main(["vote", "voted", "1", "left"]) == 0
    said = capsys.readouterr().out
    assert "Pair 2." in said and "1 vote on 3 pairs" in said and "not enough votes yet" in said
    for arguments in (["1"], ["one", "left"], ["1", "both"]):
        assert main(["vote", "voted", *arguments]) == 2


def test_deleting_a_run_deletes_its_votes(run_id: str, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    files.make_folder(folder, config={}, data=paths.data_directory() / "source.txt")
    for name in ("pairs.json", ballot.VOTES_FILE):
        (folder / name).write_text("{}")
    files.delete_folder(folder, ours=False)
    assert not folder.exists()
