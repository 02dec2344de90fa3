"""One module per thing that is measured. Each has a ``measure`` that yields after every step, for the progress bar."""
