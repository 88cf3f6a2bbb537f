"""What tests/test_project.py checks, as functions that also run on a planted violation."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

# The named modules that may import a heavy library at their top or anywhere inside.
HEAVY = {"torch", "transformers", "peft", "captum", "bitsandbytes", "accelerate"}
HEAVY_ALLOWED = (
    "inference.backbones", "inference.heads", "inference.predictor", "inference.pair",
    "inference.weights", "inference.loaded_adapters", "training.evaluation.responses",
    "training.worker", "training.evaluation.run", "examples.build", "benchmarks",
)  # fmt: skip
ROOMS = ("ui", "explain", "training", "inference", "examples", "benchmarks")


def tracked(root: Path) -> list[Path]:
    """Files in git that are there; every file outside hidden folders where there is no git."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=False)
    if done.returncode == 0:
        found = [root / name for name in done.stdout.decode().split("\0") if name]
    else:
        found = [
            p for p in root.rglob("*") if not any(x[0] == "." for x in p.relative_to(root).parts)
        ]
    return [path for path in found if path.is_file()]


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Dotted name and file of app.py and of every module of the rooms."""
    files = [root / "app.py"]
    for room in ROOMS:
        files += sorted((root / room).rglob("*.py"))
    for path in files:
        if path.is_file():
            parts = path.relative_to(root).with_suffix("").parts
            yield ".".join(p for p in parts if p != "__init__"), path


def imports(path: Path) -> set[str]:
    """Every module that a file imports anywhere in it, but not only for type checking."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def heavy_imports(root: Path) -> list[str]:
    """A sentence for each heavy library that a module imports without being named above."""
    return [
        f"{name} imports {library}"
        for name, path in modules(root)
        if not any(name == ok or name.startswith(ok + ".") for ok in HEAVY_ALLOWED)
        for library in sorted({i.partition(".")[0] for i in imports(path)} & HEAVY)
    ]


ENTRY = re.compile(r"([a-z_]\w*(?:\.[a-z_]\w*)+):[A-Za-z_]\w*")
# What may import what, as in DESIGN.md: the layers of each folder, the highest first.
LAYERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "": (
        ("app",), ("examples", "benchmarks"), ("ui",), ("explain", "training"), ("inference",),
    ),
    "training": (
        ("proof", "worker"), ("jobs", "snapshots", "exchange"),
        ("adapters", "agreement", "evaluation"), ("store",),
    ),
    "ui": (
        ("layout",), ("pages",), ("scene", "corrections", "training", "models"), ("components",),
        ("shell",),
    ),
}  # fmt: skip


def entries(root: Path) -> Iterator[tuple[str, str]]:
    """(module, module that a string "a.b:c" in it names), for every such string."""
    for name, path in modules(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                match = ENTRY.fullmatch(node.value)
                if match and match[1].partition(".")[0] in ROOMS:
                    yield name, match[1]


def upward(source: str, target: str) -> bool:
    """Whether `source` may not know `target`: it lies above, or beside in the same layer."""
    for folder, layers in LAYERS.items():
        start = f"{folder}." if folder else ""
        if not (source.startswith(start) and target.startswith(start)):
            continue
        ours, theirs = (m[len(start) :].partition(".")[0] for m in (source, target))
        place = {name: i for i, layer in enumerate(layers) for name in layer}
        if ours != theirs and ours in place and theirs in place and place[ours] >= place[theirs]:
            return True
    return False


def make_targets(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):(?!=)", makefile, flags=re.MULTILINE))


def shell_blocks(markdown: str) -> str:
    """All that stands in ```sh blocks."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", markdown, flags=re.DOTALL))
