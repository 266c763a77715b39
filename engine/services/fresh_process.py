"""A model that is timed in a fresh process of its own, and the process it runs in.

Nothing that another model left behind (memory, caches of the allocator, chosen algorithms) can
touch the timing, peak memory is this model's alone, and a process that the system ends for want of
memory is a reading, not the end of the comparison. Commands and answers are JSON, one a line, on
the child's standard input and output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.evidence.metering import EnergyReading
from engine.evidence.party import Options, WarmUp
from engine.evidence.subject import Phase
from engine.evidence.timed_party import LocalParty

_PROJECT = Path(__file__).parents[2]
_STOP_WAIT_S = 10.0
_TAIL_CHARACTERS = 300


class FreshProcess:
    """A `Party` in a process of its own; leaving the block ends it.

    Args:
        ref: a bundled name, a folder (original or converted), or a Hub id.
        device: where the model shall run, as torch names it.
        revision: commit of a Hub repository; None is its newest.
    """

    def __init__(self, ref: str, *, device: str, revision: str | None = None) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._gone = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.services.fresh_process", ref, device, revision or ""],
            env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            text=True,
        )  # fmt: skip

    def __enter__(self) -> FreshProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=_STOP_WAIT_S)
        self._log.close()

    def ready(self) -> None:
        """Wait until the model is loaded.

        Raises:
            EngineError: it could not be.
        """
        if self._ask() is None:
            raise EngineError(
                "There is not enough memory to time the models in processes of their own.",
                "Set comparison.fresh_processes=false.",
            )

    def formula(self, lengths: Sequence[int]) -> list[int]:
        """See `Party`."""
        return self._ask("formula", list(lengths)) or [0] * len(lengths)

    def warm_up(
        self, length: int, decode_tokens: int, last_position: int | None, batch: int, repeats: int,
        worth: Options | None,
    ) -> WarmUp:  # fmt: skip
        """See `Party`."""
        answer = self._ask("warm_up", length, decode_tokens, last_position, batch, repeats, worth)
        return WarmUp(out_of_memory=True) if answer is None else WarmUp(**answer)

    def time(self, phase: Phase) -> float | None:
        """See `Party`."""
        return self._ask("time", phase)

    def energy(self) -> EnergyReading | None:
        """See `Party`."""
        answer = self._ask("energy")
        return None if answer is None else EnergyReading(**answer)

    def free(self) -> int:
        """See `Party`."""
        return self._ask("free") or 0

    def _ask(self, *command: object) -> Any:
        """The child's answer; None once the system has ended it for want of memory.

        Raises:
            EngineError: the child ended for another reason.
        """
        if self._gone:
            return None
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            if command:
                self._process.stdin.write(json.dumps(command) + "\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        status = self._process.wait()
        if status == -9:  # SIGKILL: nobody but the kernel, out of memory, sends it meanwhile
            self._gone = True
            return None
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").strip().splitlines()
        reason = said[-1][-_TAIL_CHARACTERS:] if said else f"exit status {status}"
        raise EngineError(
            f"The process that times a model ended: {reason}",
            "Set comparison.fresh_processes=false to time both models in one process.",
        )


def _environment() -> dict[str, str]:
    """This process's, from which the child finds the engine and, unless the user says otherwise,
    its waiting threads sleep: spinning ones take the cores that they wait for."""
    places = [str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONPATH": os.pathsep.join(places),
    }  # fmt: skip


def main() -> None:
    """Load the model named on the command line and obey, until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not pass for an answer
    from engine.services.open import load

    ref, device, revision = sys.argv[1:]
    party = LocalParty(load(ref, device=device, revision=revision or None).model)
    answers.write(json.dumps("ready") + "\n")
    for line in sys.stdin:
        name, *values = json.loads(line)
        answer = getattr(party, name)(*values)
        plain = asdict(answer) if isinstance(answer, WarmUp | EnergyReading) else answer
        answers.write(json.dumps(plain) + "\n")


if __name__ == "__main__":
    main()
