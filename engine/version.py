"""The version of this software: what results, checkpoints and reports name."""

VERSION = "0.1.0"
