"""Where each data centre of Zoho answers. An account lives in exactly one, and a token of one is refused by another.

Sources: https://www.zoho.com/accounts/protocol/oauth/multi-dc.html (accounts and API hosts),
https://www.zoho.com/campaigns/help/developers/data-centers.html; hosts of Marketing Automation seen in public client
code. Hosts marked "assumed" are in no page of Zoho that we know: set them under `hosts:` if they are wrong.
Mind the irregular ones: Canada's accounts are at zohocloud.ca, its APIs at zohoapis.ca.
"""

from dataclasses import dataclass
from typing import Literal

Name = Literal["us", "eu", "in", "au", "jp", "ca", "sa", "uk", "cn"]


@dataclass(frozen=True)
class DataCenter:
    """The hosts of one data centre; `api` is the default for Creator, the token's own `api_domain` goes before it."""

    accounts: str
    api: str
    marketinghub: str
    recruit: str
    console: str


def _regular(tld: str) -> DataCenter:
    return DataCenter(
        f"https://accounts.zoho.{tld}",
        f"https://www.zohoapis.{tld}",
        f"https://marketingautomation.zoho.{tld}",
        f"https://recruit.zoho.{tld}",
        f"https://api-console.zoho.{tld}",
    )


DATA_CENTERS: dict[Name, DataCenter] = {
    "us": _regular("com"),
    "eu": _regular("eu"),
    "in": _regular("in"),
    "au": _regular("com.au"),  # recruit: assumed
    "jp": _regular("jp"),
    "ca": DataCenter(
        "https://accounts.zohocloud.ca",
        "https://www.zohoapis.ca",
        "https://marketingautomation.zohocloud.ca",  # seen in public code; another one has marketinghub.zoho.ca
        "https://recruit.zohocloud.ca",  # assumed
        "https://api-console.zohocloud.ca",  # assumed
    ),
    "sa": _regular("sa"),  # marketinghub: seen in public code; recruit: assumed
    "uk": _regular("uk"),  # api, recruit: assumed; marketinghub: seen in public code
    "cn": _regular("com.cn"),  # marketinghub: assumed; a public plugin has the old host marketinghub.zoho.com.cn
}
