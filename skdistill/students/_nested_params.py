"""Parameters of a student and of those inside it, by the last part of their names."""


def params_set_to(student, leaf, word):
    """Return {name: value} of the parameters called `leaf` whose value is a certain word.

    Those of estimators inside have names like ``tree__class_weight``.
    """
    return {
        name: value
        for name, value in student.get_params(deep=True).items()
        if name.rpartition("__")[2] == leaf and isinstance(value, str) and value == word
    }
