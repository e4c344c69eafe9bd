"""Nobody signs up under the marketplace's own name or its staff's, nor under what looks like one."""

import time

import pytest

from kit.errors import Invalid
from services.accounts import contract
from services.accounts.commands.grant_staff import grant_staff
from services.accounts.reserved_names import is_reserved
from tests.accounts.people import People

LOOK_ALIKES = (
    "MicroTasks",
    "MICROTASKS",
    "Micro Tasks",
    "M i c r o T a s k s",
    "Micro-Task",
    "MicroTasks Support",
    "Micro\u200bTasks",
    "Micro\u2060\u00adTasks",
    "МісrоТаѕkѕ",
    "Microтasks",
    "ΜicroΤasks",
    "ＭｉｃｒｏＴａｓｋｓ",
    "M1cr0T4sk5",
    "rnicrotasks",
    "ᴍɪᴄʀᴏᴛᴀꜱᴋꜱ",
    "𝓜𝓲𝓬𝓻𝓸𝓣𝓪𝓼𝓴𝓼",
    "ⓜⓘⓒⓡⓞⓣⓐⓢⓚⓢ",
    "🅼🅸🅲🆁🅾🆃🅰🆂🅺🆂",
    "🇲 🇮 🇨 🇷 🇴 🇹 🇦 🇸 🇰 🇸",
    "Míçrø Tåsks",
    "Staff",
    "STAFF",
    "Ѕtaff",
    "5taff",
    "St\u00adaff",
    "s.t.a.f.f",
    "The Staff",
    "Support",
    "Supp0rt Team",
    "Customer Support",
    "Admin",
    "Αdmin",
    "Аdmin",
    "ADMlN",
    "adm1n",
    "The Admin Team",
    "Site Administrator",
    "Official Support",
    "Sуstem",
    "Moderator",
    "Help Desk",
    "Former member",
)
ORDINARY = (
    "Ada",
    "Stafford",
    "Falstaff",
    "Sam Rowntree",
    "Linux Support Tom",
    "Badminton Anna",
    "Sysadmin Joe",
    "Mike Rotasks",
    "Elpidio",
    "Team Anna",
    "Customer",
    "Zoë Øst",
    "Łukasz 明",
    "אנה",
    "Анна Петрова",
    "Дмитрий",
    "Micro Services",
    "Tasks by Tim",
    "さくら",
    "محمد",
    "👩\u200d🎨",
)


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_the_marketplaces_own_names_and_their_look_alikes_are_reserved(name: str) -> None:
    assert is_reserved(name)


@pytest.mark.parametrize("name", ORDINARY)
def test_names_of_people_are_free(name: str) -> None:
    assert not is_reserved(name)


def test_no_name_takes_long_to_judge() -> None:
    began = time.process_time()
    for name in ("adminthe" * 10 + "x", "helpdesk" * 10 + "!", "admins" * 13, "\ufdfa" * 80, "s" * 80):
        is_reserved(name)
    assert time.process_time() - began < 0.1


def refusal_of(people: People, name: str) -> Invalid:
    with pytest.raises(Invalid) as refusal:
        people.sign_up(name=name)
    return refusal.value


def test_a_reserved_name_is_refused_at_sign_up_at_its_field(people: People) -> None:
    refusal = refusal_of(people, "МісrоТаѕkѕ")
    assert refusal.code == "reserved_name"
    assert [error["field"] for error in refusal.data["errors"]] == ["display_name"]
    assert people.service.execute("SELECT count(*) FROM accounts")[0][0] == 0


def test_nobody_takes_a_reserved_name_later_but_one_from_before_stays(people: People) -> None:
    session = people.newcomer("Ada")
    caller = people.caller(session)
    with pytest.raises(Invalid):
        people.service.call_as(caller, contract.CHANGE_ME, display_name="Support Team")
    people.service.execute("UPDATE accounts SET display_name = 'Support Team'")
    changed = people.service.call_as(
        caller, contract.CHANGE_ME, display_name="Support Team", bio="Still here."
    )
    assert (changed["display_name"], changed["bio"]) == ("Support Team", "Still here.")


def test_staff_may_bear_the_names_of_staff(people: People) -> None:
    session = people.newcomer("Ada")
    grant_staff(people.service.db, session["account"]["email"], "olga")
    caller = people.caller(session)
    changed = people.service.call_as(caller, contract.CHANGE_ME, display_name="MicroTasks Support")
    assert changed["display_name"] == "MicroTasks Support"
