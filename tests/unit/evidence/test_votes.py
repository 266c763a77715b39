"""The blind vote: sides by chance, an honest count."""

from engine.evidence.votes import count, shuffled

ANSWERS = [(f"prompt {i}", f"original {i}", f"converted {i}") for i in range(40)]


def test_sides_are_shuffled_and_kept_with_their_seed():
    every = shuffled(ANSWERS, seed=0)
    assert every == shuffled(ANSWERS, seed=0) != shuffled(ANSWERS, seed=1)
    assert [pair.number for pair in every.pairs] == list(range(1, 41))
    on_left = sum(pair.converted_side == "left" for pair in every.pairs)
    assert 10 <= on_left <= 30
    for pair in every.pairs:
        converted, original = (pair.left, pair.right)[:: 1 if pair.converted_side == "left" else -1]
        number = pair.prompt_tail.split()[1]
        assert (original, converted) == (f"original {number}", f"converted {number}")
    assert [pair.prompt_tail for pair in every.pairs] != [prompt for prompt, _, _ in ANSWERS]


def test_equal_answers_are_nothing_to_vote_on():
    every = shuffled([("p", "same", "same"), ("q", "one", "two")], seed=0)
    assert len(every.pairs) == 1 and every.same_answers == 1


def test_the_count_follows_the_sides():
    every = shuffled(ANSWERS, seed=0)
    side = {pair.number: pair.converted_side for pair in every.pairs}
    other = {"left": "right", "right": "left"}
    votes = {n: side[n] if n <= 6 else other[side[n]] for n in range(1, 9)}
    found = count(every, {**votes, 9: "tie", 10: "both_bad"})
    assert (found.converted, found.original, found.tie, found.both_bad) == (6, 2, 1, 1)
    assert found.win_rate and (found.win_rate.estimate, found.win_rate.n) == (0.75, 8)
    assert found.reading == "not_enough_votes"
    assert count(every, side).reading == "converted_preferred"
    assert count(every, {n: other[s] for n, s in side.items()}).reading == "original_preferred"
    assert count(every, {1: "tie"}).win_rate is None
