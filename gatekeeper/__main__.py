"""``python -m gatekeeper``: the command, for who has the interpreter and not the path."""

from gatekeeper.cli import main

if __name__ == "__main__":
    main(prog_name="gatekeeper")
