"""Secrecy: what is a secret in OCPP's messages, and how a frame, a text or an error goes without it.

The lowest room of the house, because whoever makes a text for people needs it. It imports no other.
"""
