"""The books: what transactions were, whatever came late, twice or not at all."""
