"""The engine: hosts nodes for a flow runtime, which talks to it in lines. docs/engine-protocol.md has the protocol."""
