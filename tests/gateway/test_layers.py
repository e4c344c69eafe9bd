"""The layers of the gateway that import-linter checks name every module."""

import tomllib

from tests.support.codebase import ROOT


def layered_modules() -> set[str]:
    """The modules and packages that the contract of the gateway's layers names."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = config["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers" and "gateway.app" in c["layers"])
    return {module.strip() for layer in layers for module in layer.split("|")}


def test_every_module_has_its_layer() -> None:
    layered = layered_modules()
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "gateway").rglob("*.py")
        if path.name != "__init__.py"
    }
    without = {m for m in modules if not any(m == layer or m.startswith(f"{layer}.") for layer in layered)}
    assert modules and without == set()
