#!/usr/bin/env python3
"""Makes table.tsv beside this file: when expressions are due, as another implementation says.

Usage: extensions/cron/testdata/make_table.py

It needs `cronsim` of PyPI, and so is run by hand and not by the tests, which read the table:

    python3 -m venv DIR && DIR/bin/pip install cronsim==2.8
    DIR/bin/python extensions/cron/testdata/make_table.py

cronsim implements the rules of Debian's cron. Each line has an expression, a time zone, a start and
the five times after it, all in UTC, with tabs between. What gofer has and cronsim has not is brought
into its form here: names with @, `?`, and years (by leaving out the times of other years).

Where gofer differs on purpose:
 - Several times that are skipped are due once, when the clock is set forward; cronsim gives that
   moment once for each. Repeated moments are left out of its answers here.
 - After a start in the second half of an hour that comes twice, cronsim gives times of the first
   half, which are before the start. These are left out as well.
 - cronsim sets its minute to 0 when it looks for an hour. Where the clock is set by half an hour, as
   on Lord Howe Island, there may be no such minute, and a time by real time is missed or shifted.
   What goes by real time is therefore compared with a walk over all minutes, each of them tried by
   cronsim alone; where the two differ the walk is right, and a fifth column says so.
"""

import os
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from cronsim import CronSim

UTC = timezone.utc
COUNT = 5

MACROS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

# Around each change of the clock: before it, within it, after it; and a time far from any.
ZONES = {
    "Europe/Berlin": [
        "2026-03-28T22:30:00", "2026-03-29T00:59:00", "2026-03-29T01:00:00",
        "2026-10-24T21:45:00", "2026-10-25T00:30:00", "2026-10-25T01:10:00", "2026-07-14T08:00:00",
    ],
    "America/New_York": [
        "2026-03-08T04:30:00", "2026-03-08T06:59:30", "2026-03-08T07:00:00",
        "2026-11-01T03:45:00", "2026-11-01T05:30:00", "2026-11-01T06:10:00", "2027-12-31T23:59:00",
    ],
    "Australia/Lord_Howe": [
        "2026-10-03T13:20:00", "2026-10-03T15:29:00", "2026-10-03T15:30:00",
        "2026-04-04T12:30:00", "2026-04-04T14:40:00", "2026-04-04T15:05:00", "2028-02-28T23:00:00",
    ],
}

# Fixed times in and beside the hours in which clocks are set, and what goes by real time: these meet
# every start.
AROUND_CHANGES = [
    "30 2 * * *", "0 2 * * *", "15 2 * * *", "0,30 2 * * *", "0 3 * * *", "30 1 * * *",
    "45 1 * * *", "0 0,2,3 * * *", "59 1-3 * * *", "10-50/10 1,2 * * *", "30 2 * * sun",
    "30 2 29 3 *", "5/20 2 * * *", "0 1/1 * * *",
    "* * * * *", "*/15 * * * *", "*/20 2 * * *", "* 2 * * *", "0 * * * *", "30 */2 * * *",
    "15 */3 * * *", "0 */6 * * *", "*/30 1-3 * * *", "45 * * * sun", "* 1 * * *",
]

# Days, weeks, months and years: one start of each zone.
CALENDAR = [
    "0 12 * * mon-fri", "0 9 1,15 * *", "0 9 1-7 * mon", "0 9 */2 * mon", "0 9 ? * tue",
    "0 9 13 * fri", "30 8 * jan-mar/2 *", "0 0 31 * *", "0 0 29 2 *", "0 0 29 feb mon",
    "0 6 * 2-12/5 0,6", "15 10 * * 7", "15 10 * * 5-7", "0 0 1 JAN Sun", "20 4 */10 * *",
    "0 0 28-31 2 *", "0,10,20-40/5 23 * 12 3", "7 7 7 7 *", "0 0 * * 1/3",
    "@yearly", "@monthly", "@weekly", "@daily", "@hourly",
    "0 12 1 1 * 2030", "30 2 * 3 sun 2027-2031/2", "0 0 29 2 * 2028,2040-2060/4",
]


def years_of(field):
    years = set()
    for part in field.split(","):
        values, _, step = part.partition("/")
        first, _, last = values.partition("-")
        end = int(last) if last else (2100 if step else int(first))
        years.update(range(int(first), end + 1, int(step or 1)))
    return years


def parts_of(expression):
    """(five fields as cronsim takes them, years or None)."""
    fields = MACROS.get(expression, expression).replace("?", "*").split()
    return " ".join(fields[:5]), years_of(fields[5]) if len(fields) == 6 else None


def by_cronsim(expression, zone, start):
    fields, years = parts_of(expression)
    found = []
    for moment in CronSim(fields, start.astimezone(ZoneInfo(zone))):
        if years is not None and moment.year not in years:
            if moment.year > max(years):
                break
            continue
        at = moment.astimezone(UTC)
        if at > start and at not in found:
            found.append(at)
        if len(found) == COUNT:
            break
    return found


def by_walk(expression, zone, start):
    """The same for expressions by real time; None for others, or if it is too far to walk."""
    fields, years = parts_of(expression)
    minute, hour = fields.split()[:2]
    if not (minute.startswith("*") or hour.startswith("*")) or years is not None:
        return None
    found = []
    at = start.replace(second=0) + timedelta(minutes=1)
    end = at + timedelta(days=40)
    while len(found) < COUNT and at < end:
        wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if next(CronSim(fields, wall - timedelta(minutes=1))) == wall:
            found.append(at)
        at += timedelta(minutes=1)
    return found if len(found) == COUNT else None


def text_of(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def line_of(expression, zone, start):
    times = by_cronsim(expression, zone, start)
    walked = by_walk(expression, zone, start)
    columns = [expression, zone, text_of(start)]
    if walked is None or walked == times:
        return columns + [" ".join(map(text_of, times))]
    return columns + [" ".join(map(text_of, walked)), "by a walk over the minutes"]


def main():
    lines = []
    for zone, starts in ZONES.items():
        for number, text in enumerate(starts):
            start = datetime.fromisoformat(text).replace(tzinfo=UTC)
            chosen = [e for i, e in enumerate(CALENDAR) if i % len(starts) == number]
            lines.extend(line_of(e, zone, start) for e in AROUND_CHANGES + chosen)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "table.tsv")
    with open(path, "w", encoding="utf-8") as file:
        file.write("# Made by make_table.py: expression, time zone, start, the times after it.\n")
        file.writelines("\t".join(columns) + "\n" for columns in lines)
    print("%d lines, %d of them by a walk" %
          (len(lines), sum(len(columns) == 5 for columns in lines)), file=sys.stderr)


if __name__ == "__main__":
    main()
