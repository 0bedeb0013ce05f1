"""One chatbot: its state, its history, its live configuration."""
