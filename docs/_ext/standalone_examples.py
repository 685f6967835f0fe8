"""Examples as they are shown, run and downloaded: whole in one file, without a command line.

The scripts of `examples/` share helpers and read options from the command line. Neither works in a
notebook or in a file that was downloaded alone. So the gallery gets copies: the helpers that a
script uses stand in the script, and its options are values in one place, small enough for seconds.
"""

import ast
import re
import sys

HELPER = re.compile(r"_\w+")


def write_examples(folder, target, options):
    """Write the copy of each example of a folder, and the header of the gallery."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("[!_]*.py")):
        text = standalone(path, options.get(path.name, {}))
        copy = target / path.name
        if not copy.exists() or copy.read_text() != text:  # an unchanged one is not run again
            copy.write_text(text)
    header = (folder / "GALLERY_HEADER.rst").read_text()
    (target / "GALLERY_HEADER.rst").write_text(header)


def standalone(path, options):
    """Return a script with its helpers, and with `options` in the place of a command line."""
    text = without_command_line(path.read_text(), options)
    lines = text.splitlines()
    docstring, *body = ast.parse(text).body
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    statements = [ast.unparse(node) for node in imports if not is_helper(node)]
    constants, functions = [], []
    for source, node, statement in needed_by(path.parent, filter(is_helper, imports)):
        if statement:
            statements.append(statement)
        else:
            of_kind = functions if isinstance(node, ast.FunctionDef) else constants
            of_kind.append(ast.get_source_segment(source, node))
    rest = "\n".join(lines[max(node.end_lineno for node in imports) :])
    begin, main, end = rest.rpartition('if __name__ == "__main__":')
    parts = [
        "\n".join(lines[: docstring.end_lineno]),
        sorted_imports(statements),
        "\n".join(constants),
        begin,
        "\n\n\n".join(functions),
        main + end,
    ]
    return "\n\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def is_helper(node):
    """Return whether a statement imports from a helper of the examples."""
    return isinstance(node, ast.ImportFrom) and HELPER.fullmatch(node.module) is not None


def needed_by(folder, imports):
    """Yield what names that are imported from helpers need, in the order of their files.

    Each is the text of the helper, a definition, and the text of an import instead of a definition.
    """
    to_do = [(node.module, alias.name) for node in imports for alias in node.names]
    modules = {path.stem: Helper(path) for path in sorted(folder.glob("_*.py"))}
    needed = set()
    while to_do:
        module, name = to_do.pop()
        found = modules[module].names.get(name)
        if found is None or (module, name) in needed:
            continue  # a builtin or a local variable, or done
        needed.add((module, name))
        node, alias = found
        if alias is None:
            to_do += [(module, used) for used in used_in(node)]
        elif is_helper(node):
            needed.remove((module, name))
            to_do.append((node.module, alias.name))
    for module, helper in modules.items():
        done = set()
        for name, (node, alias) in helper.names.items():
            if (module, name) in needed and (alias or node not in done):
                done.add(node)
                yield helper.text, node, "" if alias is None else with_only(node, alias)


class Helper:
    """A helper of the examples: its text, and each name with its statement and its import."""

    def __init__(self, path):
        self.text, self.names = path.read_text(), {}
        for node in ast.parse(self.text).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    self.names[alias.asname or alias.name.partition(".")[0]] = node, alias
            else:
                self.names |= dict.fromkeys(names_of(node), (node, None))


def sorted_imports(statements):
    """Return import statements once, those of Python first and those of skdistill last."""
    groups = {0: set(), 1: set(), 2: set()}
    for statement in statements:
        package = re.split(r"[ .]", statement)[1]
        groups[(package not in sys.stdlib_module_names) + (package == "skdistill")].add(statement)
    return "\n\n".join("\n".join(sorted(group)) for group in groups.values() if group)


def with_only(node, alias):
    """Return the text of an import statement of one of its names."""
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import([alias]))
    return ast.unparse(ast.ImportFrom(node.module, [alias], node.level))


def names_of(node):
    """Return the names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [
        each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)
    ]


def used_in(node):
    """Return all names in a statement."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def without_command_line(text, options):
    """Return a script whose `main` has a namespace of options in the place of a parser."""
    (main,) = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == "main"
    ]
    first = next(node for node in main.body if "ArgumentParser" in ast.unparse(node))
    last = next(node for node in main.body if "parse_args" in ast.unparse(node))
    calls = [
        node
        for statement in main.body[main.body.index(first) : main.body.index(last)]
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and node.args and is_option(node.args[0])
    ]
    found = [option_of(call) for call in calls]
    unknown = set(options) - {name for name, _, _ in found}
    if unknown:
        raise ValueError(f"main has no options {sorted(unknown)}.")
    values = []
    for name, default, comment in found:
        small = options.get(name)
        note = comment if small is None else f"{comment} (in the repository: {default})"
        values.append(f"        {name}={default if small is None else small},  # {note}\n")
    lines = text.splitlines(keepends=True)
    lines[first.lineno - 1 : last.end_lineno] = [
        f"    {last.targets[0].id} = SimpleNamespace(\n", *values, "    )\n",
    ]  # fmt: skip
    text = "".join(lines).replace("import argparse\n", "from types import SimpleNamespace\n")
    return text.replace("parser.error(", "raise SystemExit(")


def is_option(node):
    """Return whether a node is the name of an option."""
    return isinstance(node, ast.Constant) and str(node.value).startswith("--")


def option_of(call):
    """Return the name, the default and the description of an option."""
    keywords = {each.arg: each.value for each in call.keywords}
    name = call.args[0].value.removeprefix("--").replace("-", "_")
    absent = "False" if "action" in keywords else "None"
    default = ast.unparse(keywords["default"]) if "default" in keywords else absent
    return name, default, keywords["help"].value
