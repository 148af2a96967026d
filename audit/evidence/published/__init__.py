"""Published audits of others: tables of rates and ratios, and what cannot follow in them."""
