"""The specification: what a supplier declares of a system and the operator of a site; inventories from it."""
