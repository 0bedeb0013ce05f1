"""The one place that names concrete parts. Everything else is given what it needs.

Two modules, so that a command that needs no server loads neither the database nor the web.
"""
