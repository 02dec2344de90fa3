"""``python -m ocppflow`` is the command ``ocppflow``."""

from ocppflow.cli import main

if __name__ == "__main__":
    main()
