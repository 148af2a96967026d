"""Many groups at once: equality, heterogeneity, shrinkage, funnels."""
