"""The errors a user can meet: what was found, and a hint that says what to do about it."""


class EngineError(Exception):
    """Base of every error meant for a user.

    Attributes:
        message: one line, what was asked and what was found.
        hint: one line, what to do about it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UnsupportedArchitecture(EngineError):
    """The model's attention cannot be swapped (no attention seam, an encoder, ALiBi...)."""


class ModelNotFound(EngineError):
    """No bundled model, folder or reachable Hub repository answers to that name."""


class UnsafeModel(EngineError):
    """The model would need pickled weights or remote code; neither is ever loaded."""


class OriginalChanged(EngineError):
    """The original's weights are not those that the run was created with."""


class BadDataset(EngineError):
    """The data file cannot be read as text documents, or holds too little text."""


class UnclearColumn(BadDataset):
    """It is not clear which column or key of a table holds the text."""


class IncompatibleMethod(EngineError):
    """The method's settings do not fit the model's attention geometry."""


class BadRunConfig(EngineError):
    """A run was asked for with settings that do not exist or are out of range."""


class RunNotFound(EngineError):
    """No run answers to that id."""


class RunBusy(EngineError):
    """The run is being worked on, so the operation must wait."""


class ReadOnlyRun(EngineError):
    """The run came with the project as a sample; it can be looked at and nothing else."""


class IncompatibleCache(EngineError):
    """A cache filled by another model was handed to a converted one."""


class OutOfMemory(EngineError):
    """The device ran out of memory."""


class NonFiniteLoss(EngineError):
    """Training produced a loss that is not a finite number."""


class ReportUnavailable(EngineError):
    """A report of this kind cannot be made on this machine."""


class BadPack(EngineError):
    """A file that should be an evidence pack is none, or cannot be read safely."""


class Cancelled(EngineError):
    """The user asked the run to stop; what was done so far is saved."""
