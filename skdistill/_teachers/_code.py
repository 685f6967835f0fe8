"""Inspection of user code: functions, their wrappers, and what they refer to.

Code of a package with a version is identified by the version. Code without one (a script, a
notebook), called user code here, is inspected. What it reaches only at run time (by a string,
through an object) cannot be detected.
"""

import dis
import sys
from contextlib import suppress
from functools import cached_property, lru_cache, partial, partialmethod
from types import CodeType, FunctionType, ModuleType

CACHED = type(lru_cache(len))
WRAPPERS = (
    FunctionType, staticmethod, classmethod, property, cached_property, partial, partialmethod,
    CACHED,
)  # fmt: skip
# Attributes in which Python's wrappers store what they wrap; others have a __dict__.
WRAPPED_ATTRIBUTES = ("__func__", "fget", "fset", "fdel", "func", "args", "keywords", "__wrapped__")


def version_of(module):
    """Return the version of a module's package, None for user code."""
    package = str(module).partition(".")[0]
    if package in sys.stdlib_module_names:
        return "Python"
    if package == "__main__":
        return None
    version = getattr(sys.modules.get(package), "__version__", None)
    return None if version is None else str(version)


def functions_in(value):
    """Return a function itself, or those wrapped by a decorator such as `available_if`."""
    if isinstance(value, FunctionType):
        return [value]
    if isinstance(value, type | ModuleType):
        return []
    return [
        function
        for part in parts_of(value).values()
        if isinstance(part, WRAPPERS) and part is not value
        for function in functions_in(part)
    ]


def parts_of(value):
    """Return what a decorator stores: the wrapped function and its other attributes."""
    names = WRAPPED_ATTRIBUTES if isinstance(value, WRAPPERS) else ()
    inside = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return inside | getattr(value, "__dict__", {})


def closed_over(function):
    """Return {name: value} of the variables in a function's closure."""
    found = {}
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        if name != "__class__":  # used by super()
            with suppress(ValueError):  # the cell may still be empty
                found[name] = cell.cell_contents
    return found


def attributes_of(cls):
    """Return {name: value} of what a class defines, except what its own code assigns.

    So a class that counts its fits has the same attributes after each of them.
    """
    assigned = {
        name
        for base in user_bases(cls)
        for value in vars(base).values()
        for function in functions_in(value)
        for name, _ in _names_in(function.__code__, "STORE_ATTR")
    }
    return {
        name: value
        for name, value in sorted(vars(cls).items())
        if functions_in(value)
        or not (name in assigned or name == "_abc_impl" or name.startswith("__"))
    }


def user_bases(cls):
    """Return a class and its base classes, as far as they are user code."""
    return [base for base in cls.__mro__ if version_of(base.__module__) is None]


def reachable(value):
    """Return the functions and classes that code refers to, directly or indirectly.

    The second value returned is {name: value} of the module-level constants that it reads.
    """
    found, constants, todo = {id(value): value}, {}, [value]
    while todo:
        each = todo.pop()
        if version_of(each.__module__) is not None and each is not value:
            continue
        if isinstance(each, type):
            referred = [
                attribute for base in user_bases(each) for attribute in attributes_of(base).values()
            ]
        else:
            referred = [*closed_over(each).values()]
            variables = _globals_of(each) if version_of(each.__module__) is None else {}
            constants |= {name: data for name, data in variables.items() if _is_constant(data)}
            referred += variables.values()
        for one in (code for data in referred for code in code_in(data)):
            if id(one) not in found:
                found[id(one)] = one
                todo.append(one)
    del found[id(value)]
    return list(found.values()), constants


def code_in(value):
    """Return a class, a function, or the functions wrapped by a decorator, as a list."""
    return [value] if isinstance(value, type) else functions_in(value)


def _is_constant(value):
    """Return whether a value is immutable: a number, a string, a tuple of them, a partial."""
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return isinstance(value, int | float | complex | str | bytes | partial | None)


def _globals_of(function):
    """Return the module-level variables that a function reads, except those that it assigns."""
    assigned = {name for name, _ in _names_in(function.__code__, "STORE_GLOBAL")}
    found = {}
    for name, attributes in _names_in(function.__code__, "LOAD_GLOBAL"):
        if name in assigned or name not in function.__globals__:
            continue
        value = function.__globals__[name]
        if isinstance(value, ModuleType):  # user code: the attribute that is read
            if version_of(value.__name__) is None:
                for attribute in attributes:
                    if hasattr(value, attribute):
                        found[f"{value.__name__}.{attribute}"] = getattr(value, attribute)
        else:
            found[f"{function.__module__}.{name}"] = value
    return found


def _names_in(code, operation):
    """Yield the names used by an operation, each with the attributes that may be read next.

    In a Python without these operations every name may be read, and none is known to be assigned.
    So a change may be seen where there is none, but none is overlooked.
    """
    reads_known = "LOAD_ATTR" in dis.opmap
    if operation not in dis.opmap and operation == "LOAD_GLOBAL":
        yield from ((name, code.co_names) for name in code.co_names)
    steps = list(dis.get_instructions(code))
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.opname == operation:
            reads = following is not None and following.opname in ("LOAD_ATTR", "LOAD_METHOD")
            read_next = (following.argval,) if reads else ()
            yield step.argval, read_next if reads_known else code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _names_in(each, operation)
