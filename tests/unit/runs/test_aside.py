"""A process that is asked aside goes without a word when nobody listens any more."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.errors import EngineError
from engine.runs import aside

_TALKS = (
    "import sys\n"
    "from engine.errors import BadRunConfig\n"
    "from engine.runs import aside\n"
    "def said():\n"
    "    try:\n"
    "        yield {'kind': 'turn', 'n': 0}\n"
    "        sys.stdin.read()\n"
    "        if sys.argv[1] == 'error':\n"
    "            raise BadRunConfig('Wrong.', 'Do better.')\n"
    "        while True:\n"
    "            yield {'kind': 'turn', 'n': 1}\n"
    "    finally:\n"
    "        print('cleaned up', file=sys.stderr)\n"
    "sys.exit(aside.answer(said()))\n"
)


def _left_alone(then: str) -> str:
    """What such a process has on its standard error when its listener goes after one line."""
    process = subprocess.Popen(
        [sys.executable, "-c", _TALKS, then],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    assert process.stdout.readline() == '{"kind": "turn", "n": 0}\n'
    process.stdout.close()
    process.stdin.close()
    with process.stderr as pipe:
        heard = pipe.read()
    process.wait()
    return heard


def test_one_that_still_has_something_to_say_ends_and_cleans_up() -> None:
    assert _left_alone("more") == "cleaned up\n"


def test_one_that_meets_an_error_has_nobody_to_tell_it_to() -> None:
    assert _left_alone("error") == "cleaned up\n"


def test_one_that_refuses_before_it_has_read_is_heard() -> None:
    """More text than a pipe holds, for a run that there is not."""
    with pytest.raises(EngineError, match="20260101-0123456789ab"):
        list(aside.listen_to("engine.runs.live", ["20260101-0123456789ab"], "x" * 400_000))
