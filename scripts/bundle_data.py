"""Writes the bundled data set: business records, half English, half Japanese, one JSON a line.

Example:
    python -m scripts.bundle_data --out assets/data/business-cases.jsonl
"""

from __future__ import annotations

import argparse
import json
import random
from itertools import islice
from pathlib import Path

from engine.data.documents import BUNDLED_SEEDS, LANGUAGES, business_document

# Characters of a record of 600 to 2,000 tokens under the bundled model's tokenizer. Most are long:
# three draws in four come from the upper half.
_CHARACTERS = {"en": (2_100, 6_700), "ja": (1_100, 3_500)}


def main() -> None:
    """Write the data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--documents", type=int, default=80, help="number of records")
    options = parser.parse_args()
    rng = random.Random(0)
    with options.out.open("w", encoding="utf-8", newline="\n") as file:
        for number, seed in enumerate(islice(BUNDLED_SEEDS, options.documents)):
            language = LANGUAGES[number % 2]
            shortest, longest = _CHARACTERS[language]
            if rng.random() < 0.75:
                shortest = (shortest + longest) // 2
            document = business_document(seed, language, rng.randint(shortest, longest))
            line = {"text": document.text, "language": language}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
