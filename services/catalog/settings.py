"""The settings of catalog."""

from dataclasses import dataclass

from kit.settings import Common, setting


@dataclass(frozen=True)
class CatalogSettings(Common):
    """How much one provider may have here.

    Raises: BadSetting.
    """

    services_per_account: int = setting(200, "services of one account, archived ones aside")
