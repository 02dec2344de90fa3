"""The official test cases for stations (Part 6), one function each, named by its id, in modules by block and theme."""
