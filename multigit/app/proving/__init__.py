"""Whether what was released is still there: the ledger's word against what the repositories have."""
