"""The functional blocks of the standard, as a station has them: one module for each.

A module has a Router with the handlers, which all stations share, and a :class:`~ocppflow.station.blocks.block.Block`
with what one station has of it. Blocks speak 2.1, and serve 2.0.1 with it.
"""
