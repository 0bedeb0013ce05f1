"""The WizChat Management SDK."""
