"""Turns the JSON schemas of OCPP into the message modules.

``model`` reads the schemas, ``tables`` corrects them and adds what they do not say, ``docstrings`` holds what the
documentation says about each element, and ``emit`` writes the modules.
"""
