#!/usr/bin/env python3
"""Real locks, compared: no false alarm on them, and every planted change found, with a database too. See bench/observe.py."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.exit(subprocess.run([sys.executable, ROOT / "bench" / "observe.py", "--crawl", *sys.argv[1:]]).returncode)
