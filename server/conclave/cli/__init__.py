"""The command line. Nothing is imported before it is known which command runs."""


def main() -> None:
    """Entry point of `conclave`."""
    from conclave.cli.commands import application

    application()
