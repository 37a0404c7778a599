"""Run the command as ``python -m clientele``."""

from clientele.cli import main

if __name__ == "__main__":
    main(prog_name="clientele")
