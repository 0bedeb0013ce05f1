"""Builds what the commands need that run without the service."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api_client import contract
from reconciler.domain.document import Snapshot
from reconciler.domain.document_schema import document_schema
from reconciler.errors import SettingsError
from reconciler.sources.checkout import load_checkout
from reconciler.sources.contract import DocumentContract

if TYPE_CHECKING:
    from reconciler.settings.model import Settings
    from reconciler.settings.sections import TenantSettings
    from reconciler.targets.wizchat import WizChatTarget

_HOLD_A_TENANT = ("WIZCHAT_API_KEY", "WIZCHAT_API_KEY_FILE", "RECONCILER_CONFIG", "RECONCILER_TENANTS")


def document_contract() -> DocumentContract:
    """What a document may state, as the committed contract says it."""
    return DocumentContract(
        contract.document_schema(),
        contract.LIST_SECTIONS,
        {section: contract.server_owned_paths(section) for section in contract.SECTIONS},
    )


def local_tenant(
    name: str | None = None,
    *,
    base_url: str | None = None,
    api_key_file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> "TenantSettings":
    """The tenant that a command speaks for.

    Args:
        name: Which, when the settings have several.
        base_url: Wins over ``WIZCHAT_BASE_URL``.
        api_key_file: Wins over ``WIZCHAT_API_KEY`` and ``WIZCHAT_API_KEY_FILE``.
        environ: The environment to read the settings from.

    Raises:
        SettingsError: In one line: what is wrong, and what to set.
    """
    return local_settings(base_url=base_url, api_key_file=api_key_file, environ=environ).tenant(name)


def local_settings(
    *, base_url: str | None = None, api_key_file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> "Settings":
    """The settings of a command; the arguments and errors are those of `local_tenant`."""
    from reconciler.settings.input import load_settings, refuse_unknown_variables  # noqa: PLC0415  loads the settings, which checking documents does without

    variables = dict(environ)
    if base_url is not None:
        variables["WIZCHAT_BASE_URL"] = base_url
    if api_key_file is not None:
        variables.pop("WIZCHAT_API_KEY", None)
        variables["WIZCHAT_API_KEY_FILE"] = str(api_key_file)
    refuse_unknown_variables(variables)
    if not any(variables.get(variable) for variable in _HOLD_A_TENANT):
        raise SettingsError("no API key is set: put a read key in WIZCHAT_API_KEY, or give --api-key-file")
    return load_settings(variables)


def local_target(tenant: "TenantSettings") -> "WizChatTarget":
    """A tenant's side of WizChat, with its read key; to be used as an async context manager."""
    from reconciler.runtime.clock import SystemClock  # noqa: PLC0415  goes with the next two
    from reconciler.targets.budget import CallBudget  # noqa: PLC0415  loads the HTTP client, which checking documents does without
    from reconciler.targets.wizchat import Access, WizChatTarget  # noqa: PLC0415  as above

    access = Access(tenant.name, str(tenant.base_url), tenant.api_key.get_secret_value())
    return WizChatTarget(access, CallBudget(tenant, SystemClock()))


def local_snapshot(root: Path, paths: Sequence[Path], *, with_default: bool = False) -> Snapshot:
    """What documents on disk say; in a git repository, what a commit of them would say.

    Args:
        root: The repository's root; nothing outside it is read.
        paths: Files and folders in it; empty means where documents are by default.
        with_default: Whether the documents that are there by default are read beside the paths.

    Raises:
        ReconcilerError: A path names nothing, or lies outside of the root.
    """
    return load_checkout(root, paths, document_contract(), with_default=with_default)


def editor_schema() -> dict[str, Any]:
    """The JSON Schema of a document in git."""
    return document_schema(contract.document_schema())
