"""Errors that a reader of a notebook sees as one plain sentence."""


class CourseError(RuntimeError):
    """A problem that the reader can do something about.

    IPython shows it as its message alone, without a stack trace: the message says what is wrong and
    what to do next.
    """

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython prints instead of a stack trace."""
        return [f"{type(self).__name__}: {self}"]
