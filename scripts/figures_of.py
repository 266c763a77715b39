"""A run's comparison without any text of models or data, as it may be published; prints JSON.

    python -m scripts.figures_of RUN > benchmarks/results/comparison-NAME-DATE.json

All numbers, notes, hashes and the verdict stay. What the models wrote, what they were asked, and
the attention maps with their tokens are left out: they belong to whoever made data and models.
"""

from __future__ import annotations

import argparse
import json

from engine.runs import service


def main() -> None:
    """Print the figures of one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="id, name or folder of a run that is done")
    run = service.find(parser.parse_args().run)
    found = service.comparison(run.id)
    if found is None:
        parser.error(f"the run is {run.state} and has no comparison")
    found["answers"] = None
    if found.get("fidelity"):
        found["fidelity"]["maps"] = None
    if found.get("task"):
        found["task"]["answers"] = None
    print(json.dumps({"figures_only": True, **found}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
