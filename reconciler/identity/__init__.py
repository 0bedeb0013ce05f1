"""People vouched for by an OpenID Connect issuer. The only owner of authlib, joserfc and what they need."""
