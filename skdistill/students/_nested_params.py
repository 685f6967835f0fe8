"""Nested parameters of a student, by the last part of their names."""


def params_set_to(student, leaf, option):
    """Return {name: value} of the parameters called `leaf` whose value is a certain string.

    Nested parameters have names such as ``tree__class_weight``.
    """
    return {
        name: value
        for name, value in student.get_params(deep=True).items()
        if name.rpartition("__")[2] == leaf and isinstance(value, str) and value == option
    }
