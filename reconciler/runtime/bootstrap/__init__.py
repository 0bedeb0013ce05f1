"""The composition root: the only place that names concrete implementations of the ports.

Two modules, so that a command that needs no server loads neither the database nor the web.
"""
