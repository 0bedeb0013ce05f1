"""What all pages share: layout, badges, forms, templates, static files."""
