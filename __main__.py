"""`python -m sdfz` is the `sdfz` command."""

from .cli.main import main

if __name__ == "__main__":
    main()
