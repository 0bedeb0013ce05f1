"""Forgetting sources, tenants and chatbots that are gone."""
