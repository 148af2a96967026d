"""Write `reports/data/names.csv`: the names of countries and regions in five further UN languages.

    python -m tools.refresh_report_names --taxonomy CSV [--to FILE]

- `--taxonomy`: OCHA's taxonomy of countries and territories, the CSV file in the folder `hdx/location` of the package
  hdx-python-country (MIT). Of it the columns "M49 French" and so on are taken: the names of UN M49.
- Regions are not in it. Their names stand in REGIONS below.

English is not in the table: a result holds the English names itself.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from audit.evaluation.nationality import countries, regions

PLACE: Final = Path(__file__).resolve().parent.parent / "reports" / "data" / "names.csv"
LANGUAGES: Final = {"fr": "French", "es": "Spanish", "ar": "Arabic", "ru": "Russian", "zh": "Chinese"}

COUNTRIES: Final = {
    # Not in M49; the style is that of its English name in United Nations lists.
    "TWN": ("Taïwan (Province de Chine)", "Taiwán (Provincia de China)", "تايوان (مقاطعة الصين)",
            "Тайвань (провинция Китая)", "中国台湾省"),
}  # fmt: skip
"""Names by hand, in the order of LANGUAGES."""

CORRECTED: Final = {
    ("NLD", "ar"): "مملكة هولندا",
    ("BOL", "ar"): "دولة بوليفيا المتعددة القوميات",
    ("FSM", "ar"): "ولايات ميكرونيزيا الموحدة",
    ("IRN", "ar"): "جمهورية إيران الإسلامية",
    ("VEN", "ar"): "جمهورية فنزويلا البوليفارية",
    ("ATF", "ar"): "الأراضي الفرنسية الجنوبية",
    ("ATA", "ru"): "Антарктика",
    ("CCK", "ru"): "Кокосовые (Килинг) острова",
    ("SXM", "es"): "San Martín (parte neerlandesa)",
}
"""Names by hand, if the source has the mark of an index ("(مملكة _)"), another case, or a slip."""

REGIONS: Final = {
    "002": ("Afrique", "África", "أفريقيا", "Африка", "非洲"),
    "005": ("Amérique du Sud", "América del Sur", "أمريكا الجنوبية", "Южная Америка", "南美洲"),
    "009": ("Océanie", "Oceanía", "أوقيانوسيا", "Океания", "大洋洲"),
    "011": ("Afrique occidentale", "África occidental", "غرب أفريقيا", "Западная Африка", "西非"),
    "013": ("Amérique centrale", "América Central", "أمريكا الوسطى", "Центральная Америка", "中美洲"),
    "014": ("Afrique orientale", "África oriental", "شرق أفريقيا", "Восточная Африка", "东非"),
    "015": ("Afrique septentrionale", "África septentrional", "شمال أفريقيا", "Северная Африка", "北非"),
    "017": ("Afrique centrale", "África central", "وسط أفريقيا", "Центральная Африка", "中部非洲"),
    "018": ("Afrique australe", "África meridional", "الجنوب الأفريقي", "Юг Африки", "南部非洲"),
    "019": ("Amériques", "Américas", "الأمريكتان", "Америка", "美洲"),
    "021": ("Amérique septentrionale", "América septentrional", "أمريكا الشمالية", "Северная Америка", "北美洲"),
    "029": ("Caraïbes", "Caribe", "منطقة البحر الكاريبي", "Карибский бассейн", "加勒比"),
    "030": ("Asie orientale", "Asia oriental", "شرق آسيا", "Восточная Азия", "东亚"),
    "034": ("Asie méridionale", "Asia meridional", "جنوب آسيا", "Южная Азия", "南亚"),
    "035": ("Asie du Sud-Est", "Asia sudoriental", "جنوب شرق آسيا", "Юго-Восточная Азия", "东南亚"),
    "039": ("Europe méridionale", "Europa meridional", "جنوب أوروبا", "Южная Европа", "南欧"),
    "053": ("Australie et Nouvelle-Zélande", "Australia y Nueva Zelandia", "أستراليا ونيوزيلندا",
            "Австралия и Новая Зеландия", "澳大利亚和新西兰"),
    "054": ("Mélanésie", "Melanesia", "ميلانيزيا", "Меланезия", "美拉尼西亚"),
    "057": ("Micronésie", "Micronesia", "ميكرونيزيا", "Микронезия", "密克罗尼西亚"),
    "061": ("Polynésie", "Polinesia", "بولينيزيا", "Полинезия", "波利尼西亚"),
    "142": ("Asie", "Asia", "آسيا", "Азия", "亚洲"),
    "143": ("Asie centrale", "Asia central", "آسيا الوسطى", "Центральная Азия", "中亚"),
    "145": ("Asie occidentale", "Asia occidental", "غرب آسيا", "Западная Азия", "西亚"),
    "150": ("Europe", "Europa", "أوروبا", "Европа", "欧洲"),
    "151": ("Europe orientale", "Europa oriental", "أوروبا الشرقية", "Восточная Европа", "东欧"),
    "154": ("Europe septentrionale", "Europa septentrional", "شمال أوروبا", "Северная Европа", "北欧"),
    "155": ("Europe occidentale", "Europa occidental", "غرب أوروبا", "Западная Европа", "西欧"),
}  # fmt: skip
"""Names by hand, in the order of LANGUAGES, in the style of UN M49, which no source at hand holds for regions."""


def names(taxonomy: Path) -> Iterator[tuple[str, ...]]:
    """Return code, the five names, and their source."""
    m49 = dict(_of_m49(taxonomy))
    for code in sorted(countries()):
        if code in COUNTRIES:
            yield (code, *COUNTRIES[code], "by hand")
        else:
            yield (code, *m49[code], "M49")
    for code in sorted(regions()):
        yield (code, *REGIONS[code], "by hand")


def _of_m49(taxonomy: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    with taxonomy.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            code = row["ISO 3166-1 Alpha 3-Codes"]
            names = {short: row[f"M49 {word}"].strip().replace("'", "’") for short, word in LANGUAGES.items()}
            if code in countries() and all(names.values()):
                yield code, tuple(CORRECTED.get((code, short), name) for short, name in names.items())


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Write the names of countries and regions for reports.")
    parser.add_argument("--taxonomy", type=Path, required=True, help="the CSV file of hdx-python-country")
    parser.add_argument("--to", type=Path, default=PLACE)
    options = parser.parse_args()
    with options.to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("code", *LANGUAGES, "source"))
        writer.writerows(names(options.taxonomy))


if __name__ == "__main__":
    main()
