"""The REST API of a complete CSMS: who may ask, what there is, and what happens."""
