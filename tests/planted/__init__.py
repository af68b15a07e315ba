"""Bugs planted on purpose, a switch each: the suite must catch every one of them.

`pytest --plant NAME` runs with one planted, `make planted` runs the guards of each in turn. Nothing
in the product knows of them.
"""
