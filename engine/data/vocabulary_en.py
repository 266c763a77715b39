"""English words and templates of the business records."""

from __future__ import annotations

from engine.data.vocabulary import Attribute, Vocabulary

# fmt: off
ENGLISH = Vocabulary(
    headers=(
        "Maintenance record {number} for the {site} plant",
        "Support case {number}, customer site {site}",
        "Inspection report {number} for the {site} plant",
    ),
    entry_date="[{month:02d}-{day:02d}]",
    equipment=(
        "pump", "valve", "boiler", "chiller", "compressor", "conveyor", "crane", "dryer",
        "elevator", "fan", "furnace", "generator", "heater", "lathe", "mixer", "motor",
        "oven", "press", "robot", "scanner", "sensor", "tank", "turbine", "welder",
    ),
    sites=(
        "Osaka", "Tokyo", "Nagoya", "Kobe", "Kyoto", "Chiba", "Sendai", "Sapporo", "Fukuoka",
        "Nagano", "Toyama", "Okayama", "Berlin", "Paris", "London", "Madrid", "Milan", "Dallas",
        "Chicago", "Boston", "Denver", "Toronto", "Sydney", "Singapore",
    ),
    attributes=(
        Attribute("part_number", "part number", "??###"),
        Attribute("part_number", "serial code", "??###"),
        Attribute("part_number", "contract code", "??###"),
        Attribute("reading", "outlet pressure", "+## kPa"),
        Attribute("reading", "oil temperature", "+#.# °C"),
        Attribute("reading", "motor current", "+#.# A"),
        Attribute("site", "spare part store", "{site} ?##"),
        Attribute("deadline", "repair deadline", "{day}"),
        Attribute("deadline", "next inspection", "{day}"),
    ),
    day="{day} {month}",
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    statements=(
        "The {attribute} of the {equipment} at {site}: {value}.",
        "Please note that the {attribute} of the {equipment} at {site}: {value}.",
        "Confirmed: the {attribute} of the {equipment} at {site}: {value}.",
    ),
    questions=(
        "Q: What is the {attribute} of the {equipment} at {site}? "
        "A: The {attribute} of the {equipment} at {site}: {value}.",
    ),
    summary_title="Summary",
    summaries=("In short, the {attribute} of the {equipment} at {site}: {value}.",),
    distractors=(
        "{who} {did} the {equipment} {when}.",
        "{who} {did} the {equipment} at {site} {when}.",
        "The {equipment} at {site} runs well.",
        "No change was seen on the {equipment} {when}.",
    ),
    who=(
        "The night shift", "The day shift", "The customer", "The technician", "The supplier",
        "The service desk", "The plant manager", "The safety team",
    ),
    did=(
        "checked", "cleaned", "tested", "reset", "called about", "asked about", "sent photos of",
        "closed the ticket for", "opened a ticket for", "found no leak in", "heard a noise from",
        "ordered oil for",
    ),
    when=(
        "this morning", "in the afternoon", "before lunch", "after the break", "during the night",
        "on the same day", "as planned", "without delay",
    ),
    joiner=" ",
)
# fmt: on
