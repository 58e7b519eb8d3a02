"""Misspelt domains of well-known mail providers, and the domain that was meant."""

from __future__ import annotations

from collections.abc import Mapping

TYPOS_AS_OF = "2026-11-01"
"""When the table was last looked over."""

_NAMES: Mapping[str, str] = {
    "gmail.com": """
        gnail gmial gmal gmai gmil gamil gmali gmaill gmaul gmsil gmeil gimail gmaio gmailc gmaik gmaiil
        gmqil gmakl gmaol gmzil gmmail gmaail ggmail gmael gmailcom gmail-com gmail.com.com
    """,
    "googlemail.com": "googlmail goglemail googelmail googlemial googlemal gogglemail",
    "hotmail.com": """
        hotmial hotmal hotmai hotmil hotamil hotmaill hotmsil homtail hitmail hotmaul hotnail hotmali
        hormail hoymail hptmail hotmeil hotmaik hotmael hotmall hottmail htomail hotmail-com ohtmail hotmqil
        hotmailc
    """,
    "outlook.com": """
        outlok outllook outloook outlool outlookk otlook outook oulook outlock putlook outlokk ooutlook
        outtlook outolok ourlook iutlook outluk outlook-com outlouk outlookc
    """,
    "yahoo.com": """
        yaho yahooo yhoo yahho yhaoo yaoo yahuu yajoo yahoi yahopo yahou yahhoo yahoocom yhaho yahoo-com
        yqhoo ayhoo tahoo uahoo yahpo yshoo yaahoo yayoo
    """,
    "icloud.com": """
        iclod icoud iclou icluod icloude iclould icould icolud iclud iclooud icloud-com ivloud icliud
    """,
    "aol.com": "aoll aool",
    "live.com": "live-com",
    "msn.com": "",
    "protonmail.com": "protonmal protonmial prtonmail protonmai protomail protonmali",
    "comcast.net": "comast comcat concast comcst",
    "web.de": "",
    "gmx.de": "",
    "gmx.net": "",
    "t-online.de": "tonline t-onlin t-onine t-oline",
    "freenet.de": "freenett",
    "orange.fr": "ornage oragne",
    "wanadoo.fr": "wanado wandoo wanadou",
    "libero.it": "liberoo",
    "yandex.ru": "yadex yandx",
    "rediffmail.com": "redifmail rediffmal rediffmial reddiffmail",
}
"""Domain → names under which it is written by slip; one without `.com` takes the ending of the right domain."""
_ENDINGS: Mapping[str, str] = {
    "com": "con cmo ocm vom xom cim cpm comm coom conm cok clm cm om co com.com",
    "de": "dee ded",
    "net": "ner nte bet nett netn",
    "fr": "frr",
    "it": "itt",
}
_REAL = frozenset({
    "aol.co", "aol.cm", "aol.om", "live.co", "live.om", "live.cm", "msn.co", "msn.cm", "msn.om", "protonmail.co",
})  # fmt: skip
"""Names that the rows above would call misspelt, but that belong to somebody or are not surely a slip."""


def table(more: Mapping[str, str], allowed: frozenset[str]) -> dict[str, str]:
    """Misspelt domain → the domain that was meant; `more` is added, what is `allowed` is left out."""
    found: dict[str, str] = {}
    for good, names in _NAMES.items():
        ending = good.rpartition(".")[2]
        stem = good.removesuffix(f".{ending}")
        for name in names.split():
            found[name if name.endswith(".com") else f"{name}.{ending}"] = good
        for slip in _ENDINGS.get(ending, "").split():
            found[f"{stem}.{slip}"] = good
    for name in _REAL.union(_NAMES):
        found.pop(name, None)
    found |= {bad.lower(): good.lower() for bad, good in more.items()}
    return {bad: good for bad, good in found.items() if bad not in allowed}
