"""How messages travel: Links over TCP, TLS or memory. Knows nothing of what is said."""
