"""The settings of catalog."""

from dataclasses import dataclass

from kit.settings import BadSetting, setting


@dataclass(frozen=True)
class CatalogSettings:
    """How much one provider may have here.

    Raises: BadSetting.
    """

    services_per_account: int = setting(200, "services of one account, archived ones aside")

    def __post_init__(self) -> None:
        if self.services_per_account < 1:
            raise BadSetting("SERVICES_PER_ACCOUNT: must be at least 1")
