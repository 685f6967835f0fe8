"""What code of one's own consists of: functions, what wraps them, and what they refer to.

Code of a package with a version is known by that; code without one (a script, a notebook) is
looked through. What it only reaches at run time (by a string, through an object) cannot be seen.
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
# Where those of Python keep what they wrap; others have a __dict__.
INSIDE = ("__func__", "fget", "fset", "fdel", "func", "args", "keywords", "__wrapped__")


def version_of(module):
    """Return the version of a module's package, None for code of one's own."""
    package = str(module).partition(".")[0]
    if package in sys.stdlib_module_names:
        return "Python"
    if package == "__main__":
        return None
    version = getattr(sys.modules.get(package), "__version__", None)
    return None if version is None else str(version)


def functions_in(value):
    """Return a function, or those that a decorator has wrapped, as `available_if` does."""
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
    """Return what a decorator keeps: the function that it wraps, and what it knows besides."""
    names = INSIDE if isinstance(value, WRAPPERS) else ()
    inside = {name: getattr(value, name) for name in names if hasattr(value, name)}
    return inside | getattr(value, "__dict__", {})


def closed_over(function):
    """Return {name: value} of what a function has from the functions around it."""
    found = {}
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        if name != "__class__":  # which is what super() looks at
            with suppress(ValueError):  # nothing is there yet
                found[name] = cell.cell_contents
    return found


def attributes_of(cls):
    """Return {name: value} of what a class defines, but for what its own code assigns.

    A class that counts its fits is the same class after each of them.
    """
    assigned = {
        name
        for base in own_bases(cls)
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


def own_bases(cls):
    """Return those classes, of which one inherits, that are code of one's own."""
    return [base for base in cls.__mro__ if version_of(base.__module__) is None]


def reachable(value):
    """Return the functions and classes that code refers to, directly or not.

    And {name: value} of constants among the variables of modules that it reads.
    """
    found, constants, todo = {id(value): value}, {}, [value]
    while todo:
        each = todo.pop()
        if version_of(each.__module__) is not None and each is not value:
            continue
        if isinstance(each, type):
            referred = [of for base in own_bases(each) for of in attributes_of(base).values()]
        else:
            referred = [*closed_over(each).values()]
            of_globals = _globals_of(each) if version_of(each.__module__) is None else {}
            constants |= {name: of for name, of in of_globals.items() if _is_constant(of)}
            referred += of_globals.values()
        for one in (code for of in referred for code in code_in(of)):
            if id(one) not in found:
                found[id(one)] = one
                todo.append(one)
    del found[id(value)]
    return list(found.values()), constants


def code_in(value):
    """Return a class, a function, or the functions that a decorator has wrapped."""
    return [value] if isinstance(value, type) else functions_in(value)


def _is_constant(value):
    """Return whether a value cannot change: a number, a text, a tuple of them, a partial."""
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return isinstance(value, int | float | complex | str | bytes | partial | None)


def _globals_of(function):
    """Return the variables of its module that a function reads, but for those that it assigns."""
    assigned = {name for name, _ in _names_in(function.__code__, "STORE_GLOBAL")}
    found = {}
    for name, attribute in _names_in(function.__code__, "LOAD_GLOBAL"):
        if name in assigned or name not in function.__globals__:
            continue
        value = function.__globals__[name]
        if isinstance(value, ModuleType):  # of one's own: what is read of it
            if version_of(value.__name__) is None and hasattr(value, attribute or ""):
                found[f"{value.__name__}.{attribute}"] = getattr(value, attribute)
        else:
            found[f"{function.__module__}.{name}"] = value
    return found


def _names_in(code, operation):
    """Yield the names that an operation of code has, and the attribute that is read next."""
    steps = list(dis.get_instructions(code))
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.opname == operation:
            reads = following is not None and following.opname in ("LOAD_ATTR", "LOAD_METHOD")
            yield step.argval, following.argval if reads else None
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _names_in(each, operation)
