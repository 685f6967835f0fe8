"""Build sdist and wheel, look into them, install each and run the README where no checkout is.

Run by `make release-check`. Nothing is imported from the checkout; what it needs is installed into
environments of its own under `build/release`.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "release"
BLOCK = re.compile(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.\d+)?")

# What runs in an empty folder, with nothing but the installed package: the README that is its own
# long description, block by block, as `tests/test_documents.py` does in the checkout.
README_ALONE = """
import contextlib, importlib.metadata, io, re, sys
from pathlib import Path
import skdistill

assert Path(skdistill.__file__).is_relative_to(sys.prefix), skdistill.__file__
assert not any(Path.cwd().iterdir())
readme = importlib.metadata.metadata("skdistill").get_payload()
blocks = re.findall(sys.argv[1], readme, re.DOTALL)
namespace = {}
for code, printed in blocks:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(code, "README.md", "exec"), namespace)
    if printed:
        texts = (out.getvalue(), printed)
        found, said = ([float(n) for n in re.findall(sys.argv[2], text)] for text in texts)
        assert len(found) == len(said), (out.getvalue(), printed)
        assert all(abs(a - b) < 0.021 for a, b in zip(found, said)), (out.getvalue(), printed)
print(f"    {len(blocks)} blocks of the README ran, and printed what it says")
"""


def main():
    """Do every step; the first that fails ends it."""
    version = check_version()
    shutil.rmtree(FOLDER, ignore_errors=True)
    wheel, sdist = build()
    check_wheel(wheel, version)
    check_sdist(sdist, version)
    for package in (wheel, sdist):
        run_installed(package)
    print(f"skdistill {version} can be released: {FOLDER / 'dist'}")


def check_version():
    """Return the version, once all places agree on it."""
    version = found(r'^version = "(.+)"$', "pyproject.toml")
    own = found(r'^__version__ = "(.+)"$', "skdistill/__init__.py")
    if own != version:
        raise SystemExit(f"pyproject.toml says version {version}, skdistill/__init__.py {own}.")
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if headings[0] == version:
        print(f"version {version}, as CHANGELOG.md has it on top")
    elif headings[0] == "Unreleased" and version not in headings:
        print(f'version {version}, which CHANGELOG.md still calls "Unreleased"')
    else:
        raise SystemExit(
            f"CHANGELOG.md has {headings[:2]} on top, pyproject.toml says version {version}. Head "
            'the changes with "Unreleased" and raise the version, or with the version.'
        )
    return version


def found(pattern, name):
    """Return what a pattern finds in a file of the checkout."""
    return re.search(pattern, (ROOT / name).read_text(), re.MULTILINE)[1]


def build():
    """Return paths of the wheel and the sdist, built and checked by tools of their own."""
    python = environment("tools", "build", "twine")
    dist = FOLDER / "dist"
    run(python, "-m", "build", "--outdir", dist, ROOT)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    run(python, "-m", "twine", "check", "--strict", wheel, sdist)
    print(f"built {wheel.name} and {sdist.name}; twine has no complaints")
    return wheel, sdist


def check_wheel(wheel, version):
    """Raise unless a wheel holds the package, all of it and nothing else."""
    names = set(zipfile.ZipFile(wheel).namelist())
    own = {str(path.relative_to(ROOT)) for path in (ROOT / "skdistill").rglob("*.py")}
    own.add("skdistill/py.typed")
    metadata = f"skdistill-{version}.dist-info/"
    further = {name for name in names if not name.startswith(metadata)} - own
    if own - names or further:
        raise SystemExit(f"The wheel lacks {sorted(own - names)} and has {sorted(further)}.")
    print(f"the wheel holds {len(own)} files, py.typed among them, and no tests")


def check_sdist(sdist, version):
    """Raise unless a source archive has what building and reading need."""
    with tarfile.open(sdist) as archive:
        names = {name.removeprefix(f"skdistill-{version}/") for name in archive.getnames()}
    needed = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "skdistill/py.typed"}
    if needed - names:
        raise SystemExit(f"The sdist lacks {sorted(needed - names)}.")
    print(f"the sdist holds {len(names)} files")


def run_installed(package):
    """Install a package in an empty environment and run its README in an empty folder."""
    name = "wheel" if package.suffix == ".whl" else "sdist"
    python = environment(name, package)
    empty = FOLDER / name / "empty"
    empty.mkdir()
    print(f"installed from the {name}:", flush=True)
    run(python, "-c", README_ALONE, BLOCK.pattern, NUMBER.pattern, cwd=empty, quiet=False)


def environment(name, *packages):
    """Return the Python of a new environment that holds packages and what they need."""
    folder = FOLDER / name
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "--quiet", *packages)
    return python


def run(*command, cwd=ROOT, quiet=True):
    """Run a command that does not see the checkout through its environment; raise if it fails."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=quiet, text=True
    )
    if done.returncode:
        print((done.stdout or "") + (done.stderr or ""), file=sys.stderr)
        raise SystemExit(f"This failed: {' '.join(map(str, command))[:200]}")


if __name__ == "__main__":
    main()
