"""What is wrong with an expression, and where."""


class ExpressionError(ValueError):
    """An expression that can't be a rule. The message begins with the place: "character 12: …", counted from 1."""

    def __init__(self, problem: str, place: int) -> None:
        super().__init__(f"character {place + 1}: {problem}")
        self.problem = problem
        self.place = place
        """Characters before it in the text that was given."""
