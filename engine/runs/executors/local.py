"""A worker as a detached process on this machine: it outlives the page, the tab and the server."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from engine.runs import paths

_PASSED_ON = frozenset(
    "PATH HOME LANG LC_ALL TMPDIR LD_LIBRARY_PATH VIRTUAL_ENV T2R_STUDIO_DATA XDG_CACHE_HOME"
    " HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE".split()
)
_PASSED_ON_PREFIXES = ("HF_", "CUDA_", "NVIDIA_", "OMP_", "MKL_", "PYTORCH_")

PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
"""OpenMP threads that wait for each other spin by default. Where the cores are shared, a spinning
thread takes the core that the thread it waits for needs: two then work 5 to 10 times slower than
one. Sleeping ones lose microseconds. Read when torch is imported; a value the user set is kept."""

NICENESS = 10
"""A worker gives way to the pages (nice value, 0 to 19). Alone on a machine it loses nothing; what
it measures is measured of both models alike, and whether other work ran is on record."""


def worker_environment() -> dict[str, str]:
    """What a worker needs of this process's environment: directories, proxies, devices, the Hub."""
    return PATIENT_THREADS | {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }


class LocalExecutor:
    """Starts workers on this machine.

    Attributes:
        command: the program; run id and lock are appended as arguments.
    """

    def __init__(
        self, command: Sequence[str] = (sys.executable, "-m", "engine.runs.worker")
    ) -> None:
        self.command = tuple(command)

    def submit(self, run_id: str, log: Path, lock_fd: int) -> None:
        """Start the worker in a session of its own, so that no signal to the caller reaches it."""
        # A file, never a pipe: an undrained pipe freezes the worker once its reader is gone.
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*self.command, run_id, "--lock-fd", str(lock_fd)],
                cwd=paths.PROJECT,
                env=worker_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                close_fds=True,
                pass_fds=(lock_fd,),
                start_new_session=True,
            )
        _give_way(process.pid)
        # Collects the exit status, else a finished worker stays a zombie while the server lives.
        threading.Thread(target=process.wait, daemon=True, name=f"reap-{run_id}").start()


def _give_way(pid: int) -> None:
    """Lower the priority of a process of a session of its own, before it has threads."""
    os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
    # Where Linux shares the processor by session first, the session's own value counts.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))
