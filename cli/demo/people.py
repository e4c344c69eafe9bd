"""Who lives in the demo: providers, customers and one member of staff."""

from dataclasses import dataclass

PASSWORD = "lantern-orchard-42"  # noqa: S105 - printed at every start, and only good for demo accounts


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `handle` names them within the demo data."""

    handle: str
    display_name: str
    bio: str

    @property
    def email(self) -> str:
        """Where they sign in; the domain is reserved for examples (RFC 2606)."""
        return f"{self.handle}@demo.example"


PROVIDERS = (
    Person(
        "ada",
        "Ada Marlowe",
        "Graphic designer. Logos and type for small shops, drawn by hand before any screen.",
    ),
    Person("bruno", "Bruno Keller", "Translator between German, English and Dutch for fourteen years."),
    Person("chidi", "Chidi Okafor", "Backend engineer who likes small, boring, well-tested programs."),
    Person("delia", "Delia Fontaine", "Copywriter. I cut words until the rest can breathe."),
    Person("emre", "Emre Yıldız", "Product and food photographer with a studio full of daylight."),
    Person("freya", "Freya Lindqvist", "Sound engineer and podcast editor. Quiet rooms, clean voices."),
    Person("goran", "Goran Petrić", "Spreadsheet surgeon: budgets, forecasts and the macros behind them."),
    Person("hana", "Hana Sato", "Illustrator of children's books and patient diagrams."),
    Person("ines", "Inês Carvalho", "Video editor for makers, teachers and small museums."),
    Person("jonas", "Jonas Wierzbicki", "Search and newsletters for shops that would rather make things."),
    Person("kamala", "Kamala Iyer", "Mathematics and physics tutor. No question is too early."),
    Person("luca", "Luca Bianchi", "Composer and session guitarist, home studio in Bologna."),
    Person("mirjam", "Mirjam de Wit", "Event planner. I have seated three hundred people in the rain."),
    Person("noor", "Noor Haddad", "Bookbinder and leather worker; gifts that outlive the wrapping."),
)
CUSTOMERS = (
    Person("olivia", "Olivia Hart", "Runs a bakery and everything printed on its bags."),
    Person("pavel", "Pavel Novák", "Teaches evening classes and edits the school's newspaper."),
    Person("quinn", "Quinn Adeyemi", "Two rooms to let by the sea and a website that should say so."),
    Person("rosa", "Rosa Delgado", "Ceramics, mostly blue."),
    Person("sven", "Sven Aaltonen", "Bicycle repair and a podcast about bicycle repair."),
    Person("tara", "Tara Whitfield", "Community garden, choir, too many committees."),
    Person("umar", "Umar Siddiqui", "Importer of spices; always one invoice behind."),
    Person("vera", "Vera Kowalczyk", "Doctoral student with a deadline."),
    Person("wim", "Wim Jacobs", "Retired surveyor writing a family history."),
    Person("yara", "Yara Nassar", "Opening a tea room in spring."),
)
STAFF = Person("sam", "Sam Rowntree", "Keeps the place in order.")

EVERYBODY = (*PROVIDERS, *CUSTOMERS, STAFF)
