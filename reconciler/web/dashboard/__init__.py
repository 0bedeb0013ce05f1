"""The dashboard: server-rendered, no inline script or style, nothing from elsewhere."""
