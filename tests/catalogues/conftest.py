"""The real servers that catalogues are tested against."""

from tests.servers.stac import counting_pgstac, pgstac, pgstac_urls, rustac

__all__ = ["counting_pgstac", "pgstac", "pgstac_urls", "rustac"]
