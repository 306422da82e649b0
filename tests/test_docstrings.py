"""What rooms give each other is documented: whoever imports an array's maker reads its shape."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.test_architecture import ROOT, python_files, room_of

ARRAYS = re.compile(r"NDArray|ArrayLike|\bTensor\b|\bLatent\b|\bProbabilities\b")
TABLES = re.compile(r"dict\[str, (Tensor|NDArray\[.*\])\]")
SHAPE = re.compile(r"shape|\(\w+,|\((n|b)\b|see `|as `|as there", re.IGNORECASE)


def imported_across_rooms(trees: dict[str, ast.Module]) -> dict[str, set[str]]:
    """Return the names that other rooms import, by module."""
    wanted: dict[str, set[str]] = {}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and room_of(str(node.module)) != room_of(module):
                names = {alias.name for alias in node.names}
                wanted.setdefault(str(node.module), set()).update(names)
    return wanted


def functions(tree: ast.Module, wanted: set[str]) -> Iterator[ast.FunctionDef]:
    """Yield the public functions of some names, and the public methods of such classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in wanted and not node.decorator_list:
            yield node
        elif isinstance(node, ast.ClassDef) and node.name in wanted:
            methods = (part for part in node.body if isinstance(part, ast.FunctionDef))
            yield from (method for method in methods if not method.name.startswith("_"))


def types_of(function: ast.FunctionDef) -> str:
    parts = [argument.annotation for argument in (*function.args.args, *function.args.kwonlyargs)]
    return " ".join(ast.unparse(part) for part in (*parts, function.returns) if part)


def test_who_takes_or_gives_an_array_across_rooms_says_its_shape() -> None:
    files = [file for top in ("instrument", "training", "export") for file in python_files(top)]
    trees = {
        ".".join(file.with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            (ROOT / file).read_text(encoding="utf-8")
        )
        for file in files
    }
    wanted = imported_across_rooms(trees)
    silent = [
        f"{module}:{function.lineno} {function.name}"
        for module, tree in trees.items()
        for function in functions(tree, wanted.get(module, set()))
        if ARRAYS.search(TABLES.sub("", types_of(function)))
        and not SHAPE.search(ast.get_docstring(function) or "")
    ]
    assert silent == []
