"""What the log says of an unexpected error: where it arose, never what it held, which may be a secret."""

import traceback


def told(error: BaseException) -> dict[str, object]:
    """The kind of an error and the places it went through, without its message and without any value."""
    frames = traceback.extract_tb(error.__traceback__)
    return {"error": type(error).__name__, "where": [f"{frame.filename}:{frame.lineno}" for frame in frames]}
