"""Cells of reference grids in the spellings of catalogues."""

from __future__ import annotations

import pytest

from watcher.core.ground.grids import cell, named, scene


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("MGRS-31TCJ", "MGRS-31TCJ"),
        ("MGRS-5VNK", "MGRS-05VNK"),
        ("T14ULD", "MGRS-14ULD"),
        ("14uld", "MGRS-14ULD"),
        (" 1CCV ", "MGRS-01CCV"),
        ("WRS2-198030", "WRS2-198030"),
        ("WRS1-210030", "WRS1-210030"),
        ("MGRS-61TCJ", None),
        ("MGRS-00TCJ", None),
        ("31ICJ", None),  # no band is called I
        ("31TCX", None),  # nor is a row
        ("ARM", None),  # a site of Venµs
        ("NoneNoneNone", None),
        ("", None),
    ],
)
def test_a_cell_has_one_spelling(written: str, read: str | None) -> None:
    assert cell(written) == read


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("S2A_MSIL1C_20250402T175741_N0511_R141_T14ULD_20250403T022035", "MGRS-14ULD"),
        ("S2A_MSIL2A_20190101T000001_R116_T60VUK_20201007T214652", "MGRS-60VUK"),
        ("S2B_5VNK_20240206_0_L1C", "MGRS-05VNK"),
        ("S2B_T20EPT_20250731T131905_L2A", "MGRS-20EPT"),
        ("SENTINEL2A_20190314-104911-877_L2A_T31TCH_D", "MGRS-31TCH"),
        ("HLS.S30.T31TCJ.2024001T105441.v2.0", "MGRS-31TCJ"),
        ("LC08_L2SP_047027_20201204_20210313_02_T1_SR", "WRS2-047027"),
        ("LC09_L2SR_084082_20250722_02_T1", "WRS2-084082"),
        ("LE07_L1GT_106069_20030101_20200915_02_T2", "WRS2-106069"),
        ("LM03_L1TP_210030_19800101_20200101_02_T2", "WRS1-210030"),
        ("LM04_L1TP_198030_19830101_20200101_02_T2", "WRS2-198030"),
        ("SPOT5_HRG1_XS_20150629_N2A_PornicD0000B0000", None),
        ("LANDSAT8_OLITIRS_XS_20130414_N2A_France-MetropoleD0005H0002", None),
        ("S2A_OPER_MSI_L1C_TL_2APS_20231008T233154_A043324_T13TDE_N05.09", "MGRS-13TDE"),
        ("a_product_of_T31TCJX_and_more", None),
        ("", None),
    ],
)
def test_a_products_name_says_its_cell(name: str, read: str | None) -> None:
    assert named(name) == read


@pytest.mark.parametrize(
    ("path", "row", "system", "read"),
    [
        ("047", "027", "2", "WRS2-047027"),
        (198, 30, 2, "WRS2-198030"),
        ("210", "30", "1", "WRS1-210030"),
        (252, 30, "2", None),
        (0, 30, "2", None),
        (198, 249, "2", None),
        (None, 30, "2", None),
        ("1.5", "30", "2", None),
    ],
)
def test_a_scene_is_its_path_and_row(path: object, row: object, system: object, read: str | None) -> None:
    assert scene(path, row, system=system) == read
