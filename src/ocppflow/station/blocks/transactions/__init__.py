"""E, Transactions: see :mod:`~ocppflow.station.blocks.transactions.transaction_block`."""

from ocppflow.station.blocks.transactions.transaction_block import Transactions, transactions

__all__ = ["Transactions", "transactions"]
