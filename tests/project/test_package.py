"""What is shipped: wheel, sdist, pins, what Airflow reads of it; and nothing of the machine it was made on."""

from __future__ import annotations

import configparser
import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from functools import cached_property
from importlib import import_module, metadata, resources
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
import pytest
from airflow.providers.common.compat.sdk import BaseOperatorLink
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import eci_provider.links
from eci_provider.hooks.eci import EciHook

ROOT = Path(__file__).resolve().parents[2]
NAME = "airflow-provider-eci"
CONSTRAINTS = {  # file: the Pythons it must serve
    "airflow-3.3.txt": ("3.10", "3.11", "3.12", "3.13"),
    "airflow-3.0.txt": ("3.10", "3.11", "3.12"),
    "airflow-2.11.txt": ("3.10", "3.11", "3.12"),
}


class Distribution:
    """A wheel and an sdist in one folder."""

    def __init__(self, folder: Path) -> None:
        (self.wheel,) = folder.glob("*.whl")
        (self.sdist,) = folder.glob("*.tar.gz")
        self.dist_info = f"airflow_provider_eci-{eci_provider.__version__}.dist-info"

    @cached_property
    def in_wheel(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    @cached_property
    def in_sdist(self) -> list[PurePosixPath]:
        """The files' paths below the archive's one top folder."""
        with tarfile.open(self.sdist) as archive:
            paths = [PurePosixPath(member.name) for member in archive if member.isfile()]
        assert {path.parts[0] for path in paths} == {f"airflow_provider_eci-{eci_provider.__version__}"}
        return [PurePosixPath(*path.parts[1:]) for path in paths]

    @cached_property
    def metadata(self) -> Message:
        return email.message_from_string(self.read("METADATA"))

    def read(self, name: str) -> str:
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.read(f"{self.dist_info}/{name}").decode()


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """The sdist, and the wheel that is built from that sdist; or those that ``make build`` has just made."""
    if made := os.environ.get("ECI_PROVIDER_DIST"):
        return Distribution(ROOT / made)
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Distribution(folder)


def test_wheel_holds_the_package_and_nothing_else(dist: Distribution) -> None:
    places = ("eci_provider/", "airflow_provider_eci/__init__.py", f"{dist.dist_info}/")
    assert [name for name in dist.in_wheel if not name.startswith(places)] == []
    assert [name for name in dist.in_wheel if "__pycache__" in name or "/." in name] == []
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "eci_provider").rglob("*.py")}
    assert modules <= dist.in_wheel
    web = ROOT / "eci_provider" / "sandbox" / "web"
    pages = {
        path.relative_to(ROOT).as_posix() for name in ("templates", "static") for path in (web / name).iterdir()
    }
    assert pages
    assert pages <= dist.in_wheel
    assert "eci_provider/py.typed" in dist.in_wheel
    assert f"{dist.dist_info}/licenses/LICENSE" in dist.in_wheel


EXAMPLES = ROOT / "eci_provider" / "example_dags"


def test_wheel_holds_the_examples_with_their_data(dist: Distribution) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in EXAMPLES.rglob("*") if path.suffix in (".py", ".csv")}
    assert len([name for name in files if name.endswith(".csv")]) > 5
    assert {name for name in dist.in_wheel if name.startswith("eci_provider/example_dags/")} == files


def test_airflow_finds_the_examples(tmp_path: Path) -> None:
    """Airflow 3.2 and newer derive a provider's module from the name of its distribution."""
    manager = pytest.importorskip("airflow.dag_processing.bundles.manager")
    if not hasattr(manager, "_add_provider_example_dags_to_bundle"):
        pytest.skip("this Airflow does not look for the examples of providers")
    code = (
        "from airflow.dag_processing.bundles.manager import DagBundlesManager\n"
        "bundles = {bundle.name: bundle for bundle in DagBundlesManager().get_all_dag_bundles()}\n"
        "print('examples in', bundles['airflow-provider-eci-example-dags'].path)"
    )
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "True"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert f"examples in {EXAMPLES}" in done.stdout.splitlines(), done.stdout + done.stderr
    assert "airflow_provider_eci" not in done.stdout + done.stderr


def test_example_dags_at_the_top_lead_to_those_of_the_package(dist: Distribution) -> None:
    """A link in git; in the sdist a copy, since not every tool that unpacks one makes links."""
    top = ROOT / "example_dags"
    if (ROOT / ".git").exists():
        assert top.is_symlink()
        assert os.readlink(top) == "eci_provider/example_dags"
    files = {path.relative_to(EXAMPLES) for path in EXAMPLES.rglob("*") if path.suffix in (".py", ".csv")}
    assert {path.relative_to(top) for path in top.rglob("*") if path.suffix in (".py", ".csv")} == files
    with tarfile.open(dist.sdist) as archive:
        assert [member.name for member in archive if not member.isfile()] == []
        folder = f"airflow_provider_eci-{eci_provider.__version__}"
        for path in files:
            inside, above = (
                archive.extractfile(f"{folder}/{place}/{path.as_posix()}")
                for place in ("eci_provider/example_dags", "example_dags")
            )
            assert inside is not None
            assert above is not None
            assert inside.read() == above.read() == (EXAMPLES / path).read_bytes()


def test_entry_points(dist: Distribution) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(dist.read("entry_points.txt"))
    assert {section: dict(parser[section]) for section in parser.sections()} == {
        "apache_airflow_provider": {"provider_info": "eci_provider.get_provider_info:get_provider_info"},
        "pytest11": {"eci_sandbox": "eci_provider.sandbox.pytest_plugin"},
    }


def test_metadata(dist: Distribution) -> None:
    assert dist.metadata["Name"] == NAME
    assert dist.metadata["Version"] == eci_provider.__version__
    assert dist.metadata["License-Expression"] == "Apache-2.0"
    assert dist.metadata["Requires-Python"] == ">=3.10"  # an upper bound would make pip take an older version
    assert set(dist.metadata.get_all("Provides-Extra", [])) == {"dev", "docs", "sandbox", "xlsx"}
    assert {
        "Framework :: Apache Airflow",
        "Framework :: Apache Airflow :: Provider",
        "Typing :: Typed",
        *(f"Programming Language :: Python :: {python}" for python in CONSTRAINTS["airflow-3.3.txt"]),
    } <= set(dist.metadata.get_all("Classifier", []))


def test_urls_claim_no_home_that_the_project_does_not_have(dist: Distribution) -> None:
    """A label that a package index knows, such as "Homepage", would say that EnergyCAP made this package."""
    urls = dict(url.split(", ", 1) for url in dist.metadata.get_all("Project-URL", []))

    assert urls == {
        "EnergyCAP": "https://www.energycap.com/",
        "EnergyCAP API": "https://developer.energycap.com/",
    }
    assert dist.metadata["Home-page"] is None


def test_readme_renders_where_a_package_index_shows_it(dist: Distribution) -> None:
    files = [str(dist.wheel), str(dist.sdist)]
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict", *files]
    done = subprocess.run(command, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_version_is_the_newest_of_the_changelog() -> None:
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [version for version in versions if version != "Unreleased"]

    assert released[0] == eci_provider.__version__
    assert released == sorted(released, key=Version, reverse=True)
    assert "Unreleased" not in versions[1:]


def test_each_version_of_the_changelog_says_what_to_do_when_upgrading() -> None:
    sections = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:-1]

    assert [section.split()[0] for section in sections if "### When upgrading\n" not in section] == []


@pytest.mark.parametrize(
    "template", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md")), ids=lambda p: p.name
)
def test_issue_templates_ask_for_no_secret(template: Path) -> None:
    _, head, body = template.read_text().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.splitlines())

    assert {"name", "about"} <= fields.keys()
    assert "airflow version" not in body or "Never paste an API key" in body


def test_runtime_dependencies_are_four(dist: Distribution) -> None:
    always = [
        r for r in map(Requirement, dist.metadata.get_all("Requires-Dist", [])) if "extra" not in str(r.marker)
    ]
    assert {requirement.name for requirement in always} == {
        "apache-airflow",
        "apache-airflow-providers-common-compat",
        "pydantic",
        "requests",
    }


def test_sdist_holds_what_it_takes_to_run_the_checks_and_nothing_else(dist: Distribution) -> None:
    documents = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "PKG-INFO", "README.md", "SECURITY.md")
    files = (*documents, "Makefile", "noxfile.py", "pyproject.toml")
    folders = ("airflow_provider_eci", "constraints", "dev", "docs", "eci_provider", "example_dags", "tests")
    paths = set(dist.in_sdist) - {PurePosixPath(".gitignore")}  # hatchling adds it to every sdist
    assert {path.parts[0] for path in paths} == {*files, *folders}
    hidden = re.compile(r"(^|/)(\.|__pycache__/)|\.pyc$")
    assert [str(path) for path in paths if hidden.search(str(path))] == []


@pytest.mark.parametrize("file", CONSTRAINTS)
def test_constraints_pin_every_dependency_on_every_python(file: str, dist: Distribution) -> None:
    lines = (ROOT / "constraints" / file).read_text().splitlines()
    pins = [Requirement(line) for line in lines]
    assert [str(pin) for pin in pins if not re.fullmatch(r"==[^,*]+", str(pin.specifier))] == []
    assert NAME not in {pin.name for pin in pins}
    extras = ("dev", "docs") if file == "airflow-3.3.txt" else ("dev",)  # the documentation is built with one
    for python in CONSTRAINTS[file]:
        here = {"python_version": python, "python_full_version": f"{python}.0"}
        pinned: dict[str, str] = {}
        for pin in pins:
            if _applies(pin, here):
                assert pin.name not in pinned, f"{pin.name} is pinned twice for Python {python}"
                pinned[pin.name] = str(pin.specifier).removeprefix("==")
        assert pinned["apache-airflow"].startswith(f"{Path(file).stem.removeprefix('airflow-')}.")
        for wanted in map(Requirement, dist.metadata.get_all("Requires-Dist", [])):
            name = canonicalize_name(wanted.name)
            if name != NAME and any(_applies(wanted, {**here, "extra": extra}) for extra in extras):
                assert name in pinned, f"{name} is not pinned: run make constraints"
                assert wanted.specifier.contains(pinned[name]), f"{name} {pinned[name]}: run make constraints"


def _applies(requirement: Requirement, environment: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment)


def _project_files() -> list[Path]:
    """What git tracks; where there is no git, or nothing in it yet, every file outside hidden folders."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
        if tracked := [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]:
            return tracked
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
        found += [Path(folder, name) for name in names]
    return found


def test_no_file_names_a_package_registry_or_the_place_it_was_written_in() -> None:
    dot = re.escape(".")
    domains = "(org|com|io|python)"
    hosts = [name + dot + domains for name in ("py" + "pi", "python" + "hosted", "npm" + "js", "ana" + "conda")]
    hosts.append("deb" + dot + "debian" + dot)
    checkout = rf"(?<![\w./-]){re.escape(str(ROOT))}(?![\w-])"
    forbidden = re.compile("|".join([*hosts, checkout]).encode(), re.IGNORECASE)
    files = _project_files()
    assert files
    found = {
        str(path.relative_to(ROOT)): hit.group() for path in files if (hit := forbidden.search(path.read_bytes()))
    }
    assert found == {}


@pytest.fixture(scope="module")
def provider_info() -> dict[str, Any]:
    """What Airflow gets when it asks the installed package's entry point."""
    points = metadata.entry_points(group="apache_airflow_provider")
    (point,) = (point for point in points if point.dist and point.dist.name == NAME)
    info: dict[str, Any] = point.load()()
    return info


def _airflow_schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(resources.files("airflow").joinpath(name).read_text())
    return schema


def test_provider_info_is_what_this_airflow_accepts(provider_info: dict[str, Any]) -> None:
    jsonschema.validate(provider_info, _airflow_schema("provider_info.schema.json"))
    assert provider_info["package-name"] == NAME
    assert [c["connection-type"] for c in provider_info["connection-types"]] == ["eci"]


def test_connection_form_is_what_this_airflow_describes(provider_info: dict[str, Any]) -> None:
    """Airflow checks the form (``conn-fields``, ``ui-field-behaviour``) of its own providers by this schema;
    where it does not know such fields yet, the schema lets them pass.
    """
    schema = _airflow_schema("provider.yaml.schema.json")["properties"]["connection-types"]
    jsonschema.validate(provider_info["connection-types"], schema)


def test_integration_is_what_this_airflow_describes(provider_info: dict[str, Any]) -> None:
    """The schema of Airflow's own providers, which also lists the tags that there are."""
    schema = _airflow_schema("provider.yaml.schema.json")["properties"]["integrations"]
    jsonschema.validate(provider_info["integrations"], schema)


def test_guides_and_logo_of_the_integration_are_files_of_the_project(provider_info: dict[str, Any]) -> None:
    (integration,) = provider_info["integrations"]
    guides = integration["how-to-guide"]
    pages = [*(ROOT / "docs" / "operators").glob("*.md"), *(ROOT / "docs" / "sensors").glob("*.md")]

    assert [path for path in (*guides, integration["logo"]) if not (ROOT / path.lstrip("/")).is_file()] == []
    assert {f"/{page.relative_to(ROOT).as_posix()}" for page in pages} <= set(guides)
    assert len(guides) == len(set(guides))


def test_every_kind_of_class_belongs_to_the_integration(provider_info: dict[str, Any]) -> None:
    (integration,) = provider_info["integrations"]
    entries = [entry for kind in ("hooks", "operators", "sensors", "triggers") for entry in provider_info[kind]]

    assert {entry["integration-name"] for entry in entries} == {integration["integration-name"]}


def test_everything_that_provider_info_names_is_there(provider_info: dict[str, Any]) -> None:
    classes = [connection["hook-class-name"] for connection in provider_info["connection-types"]]
    classes += provider_info["extra-links"] + provider_info["notifications"]
    for dotted in classes:
        module, _, name = dotted.rpartition(".")
        assert hasattr(import_module(module), name), dotted
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for entry in provider_info.get(kind, []):
            for module in entry["python-modules"]:
                import_module(module)


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_provider_info_lists_each_module_that_has_something_for_a_dag(
    kind: str, provider_info: dict[str, Any]
) -> None:
    package = import_module(f"eci_provider.{kind}")
    names = getattr(package, "__all__", None)
    classes = [getattr(package, name) for name in names] if names else [EciHook]

    (listed,) = provider_info[kind]

    assert set(listed["python-modules"]) == {cls.__module__ for cls in classes}


def test_provider_info_lists_each_link(provider_info: dict[str, Any]) -> None:
    links = [link for link in vars(eci_provider.links).values() if isinstance(link, type)]
    ours = [
        link for link in links if issubclass(link, BaseOperatorLink) and link.__module__ == "eci_provider.links"
    ]

    assert set(provider_info["extra-links"]) == {f"eci_provider.links.{link.__name__}" for link in ours}


def test_airflow_finds_the_provider() -> None:
    from airflow.providers_manager import ProvidersManager

    providers = ProvidersManager().providers
    assert providers[NAME].version == eci_provider.__version__
