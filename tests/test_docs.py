"""What exists is documented: settings, commands, checks, documents."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from scanner_project import env

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", env.Environment.model_fields)
def test_each_setting_stands_in_the_readme_with_its_default_and_meaning(name):
    field = env.Environment.model_fields[name]
    default = {True: "1", False: "0"}.get(field.default, str(field.default)) if field.default != "" else ""
    shown = f"`{default}`" if default else ""

    assert f"| `{name}` | {shown} | {field.description} |" in README


COMMANDS = sorted(name for name, app in get_commands().items() if app == "scanner_app")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_and_is_documented(name):
    documents = README + "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))

    assert load_command_class("scanner_app", name).help
    assert f"manage.py {name}" in documents


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_between_the_documents_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
