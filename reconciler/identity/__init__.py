"""People vouched for by an OpenID Connect issuer. The only owner of joserfc and what it needs."""
