"""The standard's components and variables as our stations have them: one module for each group of components."""
