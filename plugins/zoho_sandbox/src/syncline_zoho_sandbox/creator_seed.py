"""What Creator holds at first: three applications of the owner `zylker`."""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from syncline_zoho_sandbox.applications import Application, Field, Form, Report, add_application
from syncline_zoho_sandbox.people import Person
from syncline_zoho_sandbox.records import FIRST_ID, store_records
from syncline_zoho_sandbox.store import Store

if TYPE_CHECKING:
    from syncline_zoho_sandbox.seed import Signup

OWNER = "zylker"
YEAR = 365 * 86_400.0
TIMES = ("Added_Time", "Modified_Time")
INTERESTS = ("Automation", "Analytics", "E-mail", "Events", "Sales & CRM", "Café culture")
COUNTRIES = ("India", "United States", "Germany", "France", "Japan", "Brazil", "Other")
WEBINARS = ("Getting started", "Lead scoring in practice", "Ask us anything", "Data you can trust", "Über uns")
WEBINAR_ID = FIRST_ID - 1000
SHOWCASE_ID = FIRST_ID - 500
APPLICANT_ID = FIRST_ID + 900_000_000

WEBINAR = Form(1, "webinar", "Webinar", (Field("Title", "Title", "text", True), Field("Seats", "Seats", "number")))
SIGNUP = Form(
    2,
    "signup",
    "Sign-up",
    (
        Field("Name", "Name", "name"),
        Field("Email", "E-mail", "email"),
        Field("Phone", "Phone", "phone"),
        Field("Company", "Company", "text"),
        Field("Country", "Country", "choice", choices=COUNTRIES),
        Field("Address", "Address", "address"),
        Field("Status", "Status", "choice", choices=("Confirmed", "Cancelled")),
        Field("Webinar", "Webinar", "lookup"),
        Field("Interests", "Interests", "choices", choices=INTERESTS),
        Field("Consent", "Consent", "flag"),
        Field("Registered_On", "Registered on", "date"),
        Field("Website", "Website", "url"),
        Field("Internal_Note", "Internal note", "lines"),  # on no report: cannot be returned
    ),
)
WAITING = Form(3, "waiting", "Waiting list", (Field("Name", "Name", "name"), Field("Email", "E-mail", "email", True)))
SHOWCASE = Form(
    4,
    "showcase",
    "Showcase",
    (
        *(
            Field(f"A_{kind}", kind.title(), kind)
            for kind in ("text", "lines", "email", "rich", "phone", "name", "address")
        ),
        *(
            Field(f"A_{kind}", kind.title(), kind)
            for kind in ("number", "decimal", "percent", "currency", "auto", "flag")
        ),
        *(
            Field(f"A_{kind}", kind.title(), kind)
            for kind in ("date", "datetime", "url", "image", "lookup", "lookups", "user")
        ),
        *(
            Field(f"A_{kind}", kind.title(), kind, choices=INTERESTS)
            for kind in ("choice", "radio", "choices", "checks")
        ),
    ),
)
APPLICANT = Form(
    5,
    "applicant",
    "Applicant",
    (Field("Name", "Name", "name"), Field("Email", "E-mail", "email", True), Field("Position", "Position", "text")),
)
SALARY = Form(6, "salary", "Salary", (Field("Amount", "Amount", "currency"),))

LIST_COLUMNS = ("Name", "Email", "Phone", "Company", "Country", "Status", "Webinar", "Registered_On", *TIMES)
MORE_COLUMNS = ("Address", "Interests", "Consent", "Website")
REPORTS = (
    Report(1, "all_webinars", "All webinars", WEBINAR, ("Title", "Seats", *TIMES), ()),
    Report(2, "all_signups", "All sign-ups", SIGNUP, LIST_COLUMNS, MORE_COLUMNS),
    Report(3, "signups_without_times", "Sign-ups without times", SIGNUP, ("Name", "Email", "Company"), ("Country",)),
    Report(4, "waiting_list", "Waiting list", WAITING, ("Name", "Email", *TIMES), ()),
    Report(5, "all_shapes", "All shapes", SHOWCASE, (*(f.link_name for f in SHOWCASE.fields), *TIMES), ("Added_User",)),
)


def sow(store: Store, random: Random, signups: Sequence["Signup"], seeded_at: float) -> None:
    """Store the applications and their records, and what each sign-up is meant to be."""
    began = float(int(seeded_at - YEAR))
    forms = {form.link_name: form for form in (WEBINAR, SIGNUP, WAITING, SHOWCASE)}
    reports = {report.link_name: report for report in REPORTS}
    events = Application(1, OWNER, "events", "Events", "dd-MMM-yyyy", "Asia/Kolkata", began, True, forms, reports)
    applicants = Report(6, "all_applicants", "All applicants", APPLICANT, ("Name", "Email", "Position", *TIMES), ())
    portal = Application(
        2, OWNER, "hr_portal", "HR portal", "MMM dd,yyyy", "America/New_York", began, True,
        {"applicant": APPLICANT}, {"all_applicants": applicants},
    )  # fmt: skip
    salaries = Report(7, "all_salaries", "All salaries", SALARY, ("Amount", *TIMES), ())
    payroll = Application(  # nobody gave the user of the token access to this one: code 1060
        3,
        OWNER,
        "payroll",
        "Payroll",
        "dd-MMM-yyyy",
        "Asia/Kolkata",
        began,
        False,
        {"salary": SALARY},
        {"all_salaries": salaries},
    )
    for application in (events, portal, payroll):
        add_application(store, application)
    times: dict[str, object] = dict.fromkeys(TIMES, began)
    webinars = [{"ID": WEBINAR_ID + n, "Title": t, "Seats": str(50 * n), **times} for n, t in enumerate(WEBINARS)]
    store_records(store, events, WEBINAR, webinars)
    store_records(store, events, SIGNUP, [_signup(random, events, each) for each in signups])
    store_records(store, events, SHOWCASE, [_showcase(events, n, began + n) for n in range(12)])
    store_records(store, portal, APPLICANT, [_applicant(each, n) for n, each in enumerate(signups[:40])])
    rows = [(FIRST_ID + s.number, s.kind, s.email, None if s.twin is None else FIRST_ID + s.twin) for s in signups]
    store.executemany("INSERT INTO truth VALUES (?, ?, ?, ?)", rows)


def name(first: str, last: str, prefix: str = "") -> dict[str, str]:
    """A name field as Creator sends it."""
    shown = " ".join(part for part in (prefix, first, last) if part)
    return {"prefix": prefix, "first_name": first, "last_name": last, "suffix": "", "zc_display_value": shown}


def address(person: Person, street: str) -> dict[str, str]:
    """An address field as Creator sends it."""
    culture = person.culture
    return {
        "address_line_1": street,
        "address_line_2": "",
        "district_city": culture.city,
        "state_province": "",
        "postal_code": culture.postal_code,
        "country": culture.country,
        "latitude": "",
        "longitude": "",
        "zc_display_value": f"{street}, {culture.city}, {culture.postal_code}, {culture.country}",
    }


def _signup(random: Random, application: Application, signup: "Signup") -> dict[str, object]:
    person = signup.person
    webinar = random.randrange(len(WEBINARS))
    site = f"https://www.{person.email.partition('@')[2]}/?ref=webinar&x=1"
    registered = application.dates.read(application.dates.time(signup.added_at))
    return {
        "ID": FIRST_ID + signup.number,
        "Name": name(person.first_name, person.last_name, random.choice(("", "", "Dr."))),
        "Email": signup.email,
        "Phone": person.phone,
        "Company": person.company,
        "Country": person.culture.country if person.culture.country in COUNTRIES else "Other",
        "Address": address(person, f"{random.randrange(1, 200)} Example Street") if random.random() < 0.8 else "",
        "Status": "Confirmed" if signup.confirmed else "Cancelled",
        "Webinar": {"ID": str(WEBINAR_ID + webinar), "zc_display_value": WEBINARS[webinar]},
        "Interests": random.sample(INTERESTS, random.randrange(4)),
        "Consent": "true" if random.random() < 0.9 else "false",
        "Registered_On": application.dates.date(registered.date()) if registered else "",
        "Website": {"value": site, "url": site, "title": person.company} if random.random() < 0.5 else "",
        "Internal_Note": "never shown",
        "Added_Time": signup.added_at,
        "Modified_Time": signup.modified_at,
        "Added_User": OWNER,
    }


def _showcase(application: Application, n: int, at: float) -> dict[str, object]:
    """One record of every shape; every third one is empty."""
    system = {"ID": SHOWCASE_ID + n, "Added_Time": at, "Modified_Time": at, "Added_User": OWNER}
    if n % 3 == 2:
        return system
    link = {"ID": str(WEBINAR_ID), "zc_display_value": WEBINARS[0], "Title": WEBINARS[0]}
    moment = application.dates.time(at)
    values: dict[str, object] = {
        "text": f"Line {n}", "lines": "One\nTwo", "email": f"shape{n}@example.com", "rich": "<p>Rich <b>text</b></p>",
        "phone": f"+1570555011{n % 10}", "name": name("Ann", f"Example {n}", "Ms."), "number": str(n),
        "decimal": f"{n}.50", "percent": f"{n}.00", "currency": f"{n * 100}.00", "auto": str(n + 1),
        "flag": "true" if n % 2 else "false", "date": moment.split(" ")[0], "datetime": moment,
        "url": {"value": "https://example.com/", "url": "https://example.com/"},
        "image": f"/api/v2.1/{OWNER}/events/report/all_shapes/{SHOWCASE_ID + n}/A_image/download?filepath=1_{n}.png",
        "lookup": link, "lookups": [link, {**link, "ID": str(WEBINAR_ID + 1)}], "user": OWNER, "choice": INTERESTS[0],
        "radio": INTERESTS[1], "choices": list(INTERESTS[:2]), "checks": [INTERESTS[3]],
        "address": {"address_line_1": "1 Main Street", "country": "India", "zc_display_value": "1 Main Street, India"},
    }  # fmt: skip
    return {**system, **{f"A_{kind}": value for kind, value in values.items()}}


def _applicant(signup: "Signup", n: int) -> dict[str, object]:
    person = signup.person
    times: dict[str, object] = dict.fromkeys(TIMES, signup.added_at)
    who = name(person.first_name, person.last_name)
    return {"ID": APPLICANT_ID + n, "Name": who, "Email": f"applicant{n}@example.org", "Position": "Engineer", **times}
