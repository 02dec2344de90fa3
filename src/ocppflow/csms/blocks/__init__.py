"""The functional blocks of the standard, as a CSMS carries them out."""
