"""The conformance kit: the official test cases (OCPP Part 6), played against a station of any make.

A :class:`~ocppflow.check.bench.Bench` is the CSMS of the cases, a :class:`~ocppflow.check.trial.Trial` is what a
scenario is written with, the scenarios stand in ``station/``, and :mod:`~ocppflow.check.runner` takes a station through
them. What is judged is what goes over the wire, nothing else.
"""
