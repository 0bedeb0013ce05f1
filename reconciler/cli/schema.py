"""`reconciler schema`: print the JSON Schema that editors check documents against."""

import json

from reconciler.cli import output
from reconciler.runtime.bootstrap import local


def schema() -> None:
    """Print the JSON Schema of a document, for editors."""
    output.show(schema_text())


def schema_text() -> str:
    """The schema as text that ends with a line end."""
    return json.dumps(local.editor_schema(), indent=2) + "\n"
