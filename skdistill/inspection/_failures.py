"""Why a model could not be fitted, measured or compiled, for its row of a comparison."""

LONGEST = 300  # characters: converters print whole models


def described(error):
    """Return an error as one line of limited length."""
    text = " ".join(str(error).split())
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
    return f"{type(error).__name__}: {text}"
