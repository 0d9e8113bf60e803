"""crmlib makes no code out of data."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "crmlib"
MODULES = {"pickle", "marshal", "shelve", "subprocess", "dill", "joblib", "cloudpickle", "code"}
CALLS = {
    "eval", "exec", "compile", "__import__", "system", "popen", "unsafe_load", "full_load",
    "load_all", "read_pickle", "to_pickle", "run_cell", "execv", "execve", "spawnv",
}  # fmt: skip
OF_RE = {"compile"}  # harmless as an attribute of `re`
SAFE_LOADERS = {"SafeLoader", "CSafeLoader", "_Loader"}


def offences(source: str) -> list[str]:
    """Imports and calls that would run what they are given."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in MODULES]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(node.module)
        if isinstance(node, ast.Call):
            found += _offence(node)
    return found


def _offence(call: ast.Call) -> list[str]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    owner = getattr(getattr(call.func, "value", None), "id", "")
    keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if name in CALLS and not (owner == "re" and name in OF_RE):
        return [f"{name}()"]
    if keywords.get("shell", "False") != "False":
        return [f"{name}(shell=…)"]
    if (owner, name) == ("yaml", "load") and keywords.get("Loader") not in SAFE_LOADERS:
        return ["yaml.load()"]
    return []


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_no_module_runs_what_it_is_given(path):
    assert offences(path.read_text()) == []


def test_yaml_s_loader_of_ours_is_a_safe_one():
    import yaml

    from crmlib import settings_file

    assert issubclass(settings_file._Loader, yaml.SafeLoader)
    assert not issubclass(settings_file._Loader, yaml.UnsafeLoader | yaml.FullLoader)


@pytest.mark.parametrize(
    "source",
    [
        "eval(x)", "exec(x)", "compile(x, '', 'exec')", "builtins.eval(x)", "__import__(x)",
        "import pickle", "from pickle import loads", "import subprocess as s", "os.system(x)",
        "os.popen(x)", "f(x, shell=True)", "yaml.load(x)", "yaml.load(x, Loader=yaml.Loader)",
        "yaml.unsafe_load(x)", "pd.read_pickle(x)",
    ],
)  # fmt: skip
def test_an_offence_is_found(source):
    assert offences(source)


def test_what_is_harmless_is_not():
    assert not offences("re.compile(x)\nyaml.load(x, Loader=_Loader)\nyaml.safe_load(x)")
