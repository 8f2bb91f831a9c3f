"""Parts of `bench/gauntlet.py`: an index that lies, wheels, tools, rows."""
