"""What the demo server says of its two collections and of itself."""

from __future__ import annotations

_PRETEND = "Pretend products of the watcher demo. Nobody's rights are in them."

COLLECTIONS: dict[str, dict[str, dict[str, str]]] = {
    name: {
        "en": {
            "ShortName": name,
            "LongName": f"{name} (Take5) Level 1C and Level 2A images",
            "Description": f"Ortho-rectified (1C) and surface reflectance (2A) images of {name} (Take5), {months}",
            "Tags": f"{name.lower()} take5 level1C level2A reflectance",
            "Developper": "watcher",
            "Contact": "nobody@example.org",
            "Query": f"Images of {example}",
            "Attribution": _PRETEND,
        },
        "fr": {
            "ShortName": name,
            "LongName": f"Images {name} (Take5) de niveau 1C et 2A",
            "Description": f"Images ortho-rectifiées (1C) et de réflectance de surface (2A) de {name} (Take5)",
            "Tags": f"{name.lower()} take5 niveau1C niveau2A reflectance",
            "Developper": "watcher",
            "Contact": "nobody@example.org",
            "Query": f"Images de {example}",
            "Attribution": _PRETEND,
        },
    }
    for name, months, example in (
        ("SPOT4", "February to June 2013", "SudmipyE 2013"),
        ("SPOT5", "April to September 2015", "Litchfield 2015"),
    )
}

EVERYTHING = {
    "ShortName": "resto",
    "LongName": "resto search service",
    "Description": "Search on all collections",
    "Tags": "resto",
    "Developper": "watcher",
    "Contact": "nobody@example.org",
    "Query": "europe 2015",
    "Attribution": _PRETEND,
}

LICENCES = {
    "en": "You may do with these pretend products as you like.\n",
    "fr": "Faites de ces produits imaginaires ce que vous voulez.\n",
}
