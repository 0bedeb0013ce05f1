"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="Documents, or folders of them. Default: chatbots/ of the repository around the current folder.",
        show_default=False,
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Take warnings about documents for errors.")]
BaseUrl = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="Where WizChat is. Default: WIZCHAT_BASE_URL, or WizChat's own."),
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file",
        metavar="FILE",
        help="A file that holds the read key. Default: WIZCHAT_API_KEY, WIZCHAT_API_KEY_FILE.",
    ),
]
Tenant = Annotated[
    str | None,
    typer.Option("--tenant", metavar="NAME", help="Which tenant of RECONCILER_CONFIG, when it has several."),
]
