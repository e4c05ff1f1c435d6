"""What can be wrong with a recording."""


class DataError(ValueError):
    """A recording or a request about it that cannot be honoured; the message names it and the way out."""


class RecordingNotFound(DataError, FileNotFoundError):
    """There is no such file or folder."""

    __str__ = ValueError.__str__


class MissingExtra(DataError, ImportError):
    """A reader needs a package that is not installed."""
