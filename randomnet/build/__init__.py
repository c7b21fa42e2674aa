"""From a Run's config to the records that the science takes; the only place that unpacks a config."""
