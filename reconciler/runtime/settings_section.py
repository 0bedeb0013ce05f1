"""One table of the settings: frozen, without unknown names, with its secrets also in files."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from reconciler.runtime.secret_files import read_secret_files


class SettingsSection(BaseModel):
    """What the tables have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: Any) -> Any:
        return read_secret_files(cls, values) if isinstance(values, dict) else values
