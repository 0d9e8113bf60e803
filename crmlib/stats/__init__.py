"""Mathematics that chapters share: optimisers, bootstrap, grouping, tiers."""
