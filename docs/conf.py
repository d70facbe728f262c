"""Settings of Sphinx, which builds this folder: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

import eci_provider

sys.path.insert(0, str(Path(__file__).parents[1]))

project = "EnergyCAP for Apache Airflow"
author = "the contributors"
version = release = eci_provider.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "dev.docs.sphinx_pages"]
exclude_patterns = ["_static"]
nitpicky = True

# No inventory of another site is fetched, so the build needs no network. Names of
# other packages have no link.
nitpick_ignore_regex = [("py:.*", r"(?!eci_provider).*")]

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
add_module_names = False

highlight_language = "none"  # of blocks that name none, such as those for a shell
pygments_dark_style = "github-dark"

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_domain_indices = False  # of modules; the index of names lists what they hold
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}
