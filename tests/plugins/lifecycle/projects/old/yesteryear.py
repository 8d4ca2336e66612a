"""It says what it is written for, and would break if anything of it were used."""

HARNESS_API = 0


def harness_encoders(config):
    """A hook as it never was."""
    raise AssertionError("nobody may call this")
