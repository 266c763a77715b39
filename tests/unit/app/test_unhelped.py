"""A fine-tuning that helped nothing is told as such, of the control above all."""

from app import readings, summary
from engine.evidence.results import Comparison
from tests.support import example_runs as examples

RESULT = examples.comparison()


def _kept(converted: int, control: int) -> Comparison:
    content = RESULT.model_dump()
    content["finetuning"]["converted"]["kept_step"] = converted
    content["finetuning"]["control"]["kept_step"] = control
    return Comparison.model_validate(content)


def test_a_fine_tuning_that_helped_nothing_is_told() -> None:
    said = readings.perplexity(_kept(60, 0), "en")
    assert "did not help the original" in said and "the original unchanged" in said
    assert "did not help the converted" not in said
    assert "did not help the control: it is the original" in summary.tiles(_kept(60, 0), "en")
    both = readings.perplexity(_kept(0, 0), "en")
    assert "did not help the original" in both and "did not help the converted model" in both
    older = RESULT.model_copy(update={"finetuning": None})
    for result in (RESULT, older):
        assert "did not help" not in readings.perplexity(result, "en")
        assert "did not help" not in summary.tiles(result, "en")
