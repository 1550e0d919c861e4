#!/usr/bin/env python
"""Run a command of the service; without DATABASE_URL, on the embedded default."""

import os
import sys

from config import commands

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    commands.execute(sys.argv)
