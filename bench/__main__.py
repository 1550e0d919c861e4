"""Make a fresh installation under ``var/bench`` and print one JSON object per measurement."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / "var" / "bench"


def main() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    os.environ |= {"MUNIMENT_HOME": str(HOME), "DJANGO_SETTINGS_MODULE": "config.settings"}
    with _installation():
        import django

        django.setup()
        from bench.measures import MEASURES

        for measure in MEASURES:
            for line in measure():
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()


@contextmanager
def _installation() -> Iterator[None]:
    from config.embedded import Cluster

    with Cluster.of(HOME).session():
        os.environ["MUNIMENT_SUPERVISED"] = "1"
        for command in ("migrate_all", "open_log"):
            run = [sys.executable, str(ROOT / "manage.py"), command]
            subprocess.run(run, check=True, stdout=sys.stderr)  # noqa: S603
        yield


if __name__ == "__main__":
    main()
