from typing import Final

from api_client.contract import LIST_SECTIONS, SECTIONS, document_schema, server_owned_paths
from reconciler.sources.contract import DocumentContract

CONTRACT: Final = DocumentContract(
    document_schema(), LIST_SECTIONS, {section: server_owned_paths(section) for section in SECTIONS}
)
"""WizChat's contract, as the program itself puts it together."""
