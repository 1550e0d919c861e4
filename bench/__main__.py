"""Print one JSON object per measurement; ``--full`` runs those over a million leaves too."""

import argparse
import json
import sys

from bench.installation import installation


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the logs of a million leaves as well")
    parser.add_argument("names", nargs="*", help="only these functions of bench.measures")
    asked = parser.parse_args()
    with installation():
        import django

        django.setup()
        from bench.measures import FULL, MEASURES

        measures = [*MEASURES, *(FULL if asked.full else ())]
        if asked.names:
            measures = [one for one in [*MEASURES, *FULL] if one.__name__ in asked.names]
        for measure in measures:
            for line in measure():
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
