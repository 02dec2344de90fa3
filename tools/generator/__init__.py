"""Turns the JSON schemas of OCPP into the message modules: tables (what the schemas do not say), model, emit."""
