"""Before torch and Triton are imported anywhere, because both read the environment only then."""

from __future__ import annotations

import os

from engine.runs.executors.local import PATIENT_THREADS

# Threads that wait sleep, as in a worker. Spinning ones make the tests many times slower wherever
# the cores are shared.
for name, value in PATIENT_THREADS.items():
    os.environ.setdefault(name, value)

import torch  # noqa: E402

# Where there is no GPU, the kernels run in Triton's interpreter.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
