"""The example flows of the Node-RED package; one of them is what ``make run`` opens."""
