"""Stands before the real one on the path of a target that is to run on asyncio's own event loop."""

raise ImportError("uvloop is hidden from this process")
