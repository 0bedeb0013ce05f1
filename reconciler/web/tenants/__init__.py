"""Tenants: whether their `updatedAt` may be trusted."""
