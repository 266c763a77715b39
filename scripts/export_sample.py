"""Put a finished run into assets/samples, so that its pages can be seen before any run is made.

    python -m scripts.export_sample RUN NAME

Pairs for the blind vote come with every run; its controls come along once they are trained:
`python -m engine controls RUN`.
"""

from __future__ import annotations

import argparse

from engine.runs import paths, samples, service


def main() -> None:
    """Export one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="id, name or folder of a run that is done")
    parser.add_argument("name", help="lower-case letters, digits and dashes")
    options = parser.parse_args()
    if not paths.is_sample_id(f"sample-{options.name}"):
        parser.error("the name may hold lower-case letters, digits and dashes")
    run = service.find(options.run)
    if run.state != "done":
        parser.error(f"the run is {run.state}, not done")
    target = paths.SAMPLES / options.name
    samples.export(run, service.events(run.id), target)
    print(f"{run.id} is now sample-{options.name} in {target}")


if __name__ == "__main__":
    main()
