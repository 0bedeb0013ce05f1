"""Count what makes the code hard to find one's way in, and refuse more of it (`make check`).

Usage: ``python scripts/house_counts.py [--check] [FOLDER]``; the folder is a checkout, by default this one.
"""

import argparse
import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
PACKAGES = ("reconciler", "api_client")
GENERATED = frozenset({"api_client/models.py"})
WEB_LAYERS = {"http": 0, "auth": 1, "ui": 2}
"""The folders of the web that features build on, each only on those before it; every other folder is a feature."""
FEATURE = len(WEB_LAYERS)
APPLICATION = FEATURE + 1
"""What lies in `web` itself puts the features together."""
MAX_DUPLICATE_CLASSES = 3
MAX_FILES_OF_API_FIELD = 2
RESPONSE = "Response"
"""How the models of the API's answers are called."""
MAX_FILES_OF_A_SETTING = 2
"""At the median: the file of its table, and the one that uses it."""
SETTINGS_BASE = "SettingsSection"
POLICY = ("reconciler.domain.policy", "Policy")
"""The one table of the settings that lies beside the rules it is for."""
REASONS = ("reconciler.domain.status", "Reason")
"""The enum of the reasons that statuses show, with a sentence for each beside it."""
MAX_FILES_OF_A_REASON = 2
"""The file that declares it with its sentence, and the one that gives it."""
NEARLY_ALL = 0.8
PASSED_OVER = "reconciler.demo"
"""It writes settings down as people do."""
VAGUE_NAMES = frozenset(
    [
        "apart",
        "asked",
        "asks",
        "besides",
        "each",
        "given",
        "held",
        "here",
        "known",
        "mine",
        "named",
        "noted",
        "said",
        "sayings",
        "seen",
        "stated",
        "tell",
        "telling",
        "tells",
        "there",
        "told",
        "wanted",
        "what",
        "whats",
        "where",
        "who",
        "whom",
        "why",
    ]
)
"""Names that say how a value came, or that it is one, and not what it is: ``told`` is a state, ``known`` are claims."""
MAX_VAGUE_NAMES = 120
MAX_LINES_OF_A_FILE = 400
COMMON_WORDS = {
    *("approvals", "branch", "chatbots", "concurrency", "dir", "forge", "group", "history", "host", "interval"),
    *("issuer", "name", "paths", "plans", "port", "retention", "role", "runs", "sources", "tenant", "url"),
}
"""Settings whose names also name other things: the files that hold such a word say nothing of the setting."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the program.

    Attributes:
        name: Dotted.
        tree: What it says.
        is_package: Whether it is the ``__init__`` of a folder.
        lines: How many lines it has.
    """

    name: str
    tree: ast.Module
    is_package: bool
    lines: int

    @property
    def package(self) -> str:
        """The folder that it lies in: ``reconciler.web.plans``."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


def modules(root: Path) -> dict[str, Module]:
    """Every module by name, without what a generator writes."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            where = path.relative_to(root)
            if where.as_posix() in GENERATED or "migrations" in where.parts:
                continue
            parts = where.with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            text = path.read_text(encoding="utf-8")
            found[name] = Module(name, ast.parse(text), is_package, text.count("\n"))
    return found


def imports(there: Mapping[str, Module]) -> dict[str, set[str]]:
    """Module → the modules that it imports."""
    found: dict[str, set[str]] = defaultdict(set)
    for module in there.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    target = whole if whole in there else node.module
                    if target in there and target != module.name:
                        found[module.name].add(target)
    return found


def one_importer(there: Mapping[str, Module], edges: Mapping[str, set[str]]) -> list[str]:
    """The modules that exactly one other imports."""
    importers = Counter(target for targets in edges.values() for target in targets)
    return sorted(name for name, module in there.items() if not module.is_package and importers[name] == 1)


def duplicate_classes(there: Mapping[str, Module]) -> dict[str, list[str]]:
    """Class name → the modules that define it, where these are several."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in there.values():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and module.name.startswith("reconciler"):
                found[node.name].append(module.name)
    return {name: where for name, where in sorted(found.items()) if len(where) > 1}


def recurring_names(there: Mapping[str, Module]) -> dict[str, int]:
    """File name → how many modules bear it, where these are several."""
    names = Counter(
        name.rpartition(".")[2]
        for name, module in there.items()
        if not module.is_package and name.startswith("reconciler.")
    )
    return {name: count for name, count in sorted(names.items()) if count > 1}


def web_layer(name: str) -> int:
    """How high a module of the web lies."""
    parts = name.split(".")[2:]
    return WEB_LAYERS.get(parts[0], FEATURE) if len(parts) > 1 else APPLICATION


def upward_imports(edges: Mapping[str, set[str]]) -> list[str]:
    """Imports within the web that lead to a higher layer."""
    return [f"{source} -> {target}" for source, target in _web_imports(edges) if web_layer(target) > web_layer(source)]


def _web_imports(edges: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    for source, targets in sorted(edges.items()):
        for target in sorted(targets):
            if source.startswith("reconciler.web.") and target.startswith("reconciler.web."):
                yield source, target


def response_models(there: Mapping[str, Module]) -> dict[str, tuple[str, ast.ClassDef]]:
    """The models of the API's answers by name, each with its module."""
    return {
        node.name: (module.name, node)
        for module in there.values()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and module.name.startswith("reconciler.web.") and node.name.endswith(RESPONSE)
    }


def files_of_api_fields(there: Mapping[str, Module]) -> dict[str, set[str]]:
    """Field of an answer → the modules that name it: its model's, and those that give it a value."""
    models = response_models(there)
    fields: dict[str, dict[str, set[str]]] = {
        name: {
            item.target.id: {module}
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        }
        for name, (module, node) in models.items()
    }
    for module in there.values():
        for model, call in _calls_of_models(module, models):
            for name in [keyword.arg for keyword in call.keywords if keyword.arg in fields.get(model, {})]:
                fields[model][name].add(module.name)
    return {f"{model}.{name}": files for model, named in fields.items() for name, files in named.items()}


def _calls_of_models(module: Module, models: Mapping[str, tuple[str, ast.ClassDef]]) -> Iterator[tuple[str, ast.Call]]:
    """The calls that make answers: ``PlanResponse(...)``, ``PlanResponse.of(...)``, ``cls.of(...)`` within a model."""
    for top in module.tree.body:
        own = top.name if isinstance(top, ast.ClassDef) and top.name in models else None
        for node in ast.walk(top):
            if isinstance(node, ast.Call):
                function = node.func.value if isinstance(node.func, ast.Attribute) else node.func
                name = function.id if isinstance(function, ast.Name) else ""
                model = own if name == "cls" else name
                if model in models:
                    yield from ((base, node) for base in _lineage(model, models))


def _lineage(model: str, models: Mapping[str, tuple[str, ast.ClassDef]]) -> Iterator[str]:
    """A model and those whose fields it has."""
    yield model
    for base in models[model][1].bases:
        if isinstance(base, ast.Name) and base.id in models:
            yield from _lineage(base.id, models)


def gerunds(there: Mapping[str, Module]) -> list[str]:
    """Modules of the engine that are called by what somebody does, and not by what it is."""
    return sorted(
        name
        for name in there
        if name.startswith("reconciler.engine.")
        and any(word.endswith("ing") for word in name.rpartition(".")[2].split("_"))
    )


def private_functions(there: Mapping[str, Module]) -> tuple[int, int]:
    """How many private functions of modules there are, and how many of them are used once."""
    number, once = 0, 0
    for module in there.values():
        used = Counter(node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name))
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("_"):
                number += 1
                once += used[node.name] == 1
    return number, once


def vague_names(there: Mapping[str, Module]) -> Counter[str]:
    """How often functions, parameters and variables bear each of the `VAGUE_NAMES`."""
    names = (_bound_name(node) for module in there.values() for node in ast.walk(module.tree))
    return Counter(name.lstrip("_") for name in names if name.lstrip("_") in VAGUE_NAMES)


def _bound_name(node: ast.AST) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
            return name
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case _:
            return ""


def long_files(there: Mapping[str, Module]) -> list[str]:
    """The modules that are longer than a file may be."""
    return sorted(name for name, module in there.items() if module.lines > MAX_LINES_OF_A_FILE)


def protocols(there: Mapping[str, Module]) -> list[str]:
    """The Protocols that the program defines."""
    return sorted(
        f"{module.name}.{node.name}"
        for module in there.values()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Protocol") for base in node.bases)
    )


def _spread(files: Mapping[str, set[str]]) -> str:
    numbers = [len(named) for named in files.values()]
    counted = ", ".join(f"{number}: {count} fields" for number, count in sorted(Counter(numbers).items()))
    return f"median {median(numbers or [0]):g} ({counted})"


def settings(there: Mapping[str, Module]) -> set[str]:
    """The names of the settings: the fields of their tables."""
    tables = (
        node
        for module in there.values()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
        and ((module.name, node.name) == POLICY or SETTINGS_BASE in map(ast.unparse, node.bases))
    )
    return {
        field.target.id
        for table in tables
        for field in table.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def files_of_settings(there: Mapping[str, Module]) -> dict[str, list[str]]:
    """Setting → the modules that name it, as a field, an attribute, a parameter, an argument or a variable."""
    found: dict[str, list[str]] = {name: [] for name in sorted(settings(there) - COMMON_WORDS)}
    for module in there.values():
        if module.name.startswith("reconciler.") and not module.name.startswith(PASSED_OVER):
            for name in sorted({*_identifiers(module.tree)} & found.keys()):
                found[name].append(module.name)
    return found


def reason_tables(there: Mapping[str, Module]) -> list[str]:
    """The modules that hold something for (nearly) every reason, and so wait for each new one."""
    declaring, enum = REASONS
    named = {module.name: {*_members(module.tree, enum)} for module in there.values()}
    known = named.get(declaring, set())
    return sorted(name for name, reasons in named.items() if known and len(reasons & known) > NEARLY_ALL * len(known))


def _members(tree: ast.Module, enum: str) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner == enum:
                yield name
            case _:
                pass


def _identifiers(tree: ast.Module) -> Iterator[str | None]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.keyword(arg=name) | ast.arg(arg=name) | ast.Name(id=name):
                yield name
            case _:
                pass


def _median_files(files: Mapping[str, Sequence[str]]) -> float:
    return median(map(len, files.values())) if files else 0


def _at_median_and_most(files: Mapping[str, Sequence[str]]) -> str:
    most = max(files, key=lambda name: len(files[name]), default="none")
    return f"{_median_files(files):g} at the median of {len(files)}, {len(files.get(most, ()))} at most ({most})"


def report(root: Path) -> tuple[list[str], list[str]]:
    """The counts as lines, and what is more than it may be."""
    there = modules(root)
    edges = imports(there)
    packages = Counter(module.package for module in there.values() if not module.is_package)
    duplicates, upward, doing = duplicate_classes(there), upward_imports(edges), gerunds(there)
    private, once = private_functions(there)
    api_fields = files_of_api_fields(there)
    wide = sorted(name for name, files in api_fields.items() if len(files) > MAX_FILES_OF_API_FIELD)
    of_settings, tables = files_of_settings(there), reason_tables(there)
    vague, long = vague_names(there), long_files(there)
    lines = [
        f"modules: {sum(packages.values())}",
        *(f"  {package}: {count}" for package, count in sorted(packages.items())),
        f"modules with one importer: {len(one_importer(there, edges))}",
        f"file names that recur: {len(recurring_names(there))}",
        f"class names that are defined more than once: {len(duplicates)}",
        *(f"  {name}: {', '.join(where)}" for name, where in duplicates.items()),
        f"private functions of modules: {private}, used once: {once}",
        f"Protocols: {len(protocols(there))}",
        f"imports within the web that lead upward: {len(upward)}",
        *(f"  {edge}" for edge in upward),
        f"files to touch for a field of the API: {_spread(api_fields)}",
        *(f"  more than {MAX_FILES_OF_API_FIELD}: {name} in {', '.join(sorted(api_fields[name]))}" for name in wide),
        f"modules of the engine that end in -ing: {len(doing)}",
        *(f"  {name}" for name in doing),
        f"names that do not say what they are of: {vague.total()}",
        *(f"  {name}: {count}" for name, count in vague.most_common()),
        f"files of more than {MAX_LINES_OF_A_FILE} lines: {len(long)}",
        *(f"  {name}: {there[name].lines}" for name in long),
        f"files to touch for a setting: {_at_median_and_most(of_settings)}",
        f"files to touch for a reason: {len(tables) + 1}, the one that gives it and {', '.join(tables)}",
    ]
    broken = [
        *([f"more than {MAX_DUPLICATE_CLASSES} class names recur"] if len(duplicates) > MAX_DUPLICATE_CLASSES else []),
        *(["an import within the web leads upward"] if upward else []),
        *([f"a field of the API is named in more than {MAX_FILES_OF_API_FIELD} files"] if wide else []),
        *(["a module of the engine ends in -ing"] if doing else []),
        *(
            [f"more than {MAX_VAGUE_NAMES} names such as {vague.most_common(1)[0][0]!r} do not say what they are of"]
            if vague.total() > MAX_VAGUE_NAMES
            else []
        ),
        *(
            [f"a setting is named in more than {MAX_FILES_OF_A_SETTING} files at the median"]
            if _median_files(of_settings) > MAX_FILES_OF_A_SETTING
            else []
        ),
        *(
            [f"a reason has to be added to more than {MAX_FILES_OF_A_REASON} files: {', '.join(tables)}"]
            if len(tables) + 1 > MAX_FILES_OF_A_REASON
            else []
        ),
    ]
    return lines, broken


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the counts; with ``--check``, fail where one is beyond its limit."""
    parser = argparse.ArgumentParser(prog="house_counts", description="Count modules, names and imports.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--check", action="store_true", help="print only what is beyond its limit, and fail then")
    given = parser.parse_args(arguments)
    lines, broken = report(given.folder)
    print("\n".join(broken if given.check else lines), end="\n" if broken or not given.check else "")
    return 1 if given.check and broken else 0


if __name__ == "__main__":
    sys.exit(main())
