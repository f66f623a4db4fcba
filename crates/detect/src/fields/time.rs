//! `evt.time*`, `evt.num` and what else says which event it is.

use crate::field::{Field, Kind};
use crate::value::Value;

const SECOND: u64 = 1_000_000_000;

pub(super) const FIELDS: &[Field] = &[
    Field::event("evt.num", Kind::Number, "number of the event, counted from 1", |event, _| {
        event.number.into()
    }),
    Field::event("evt.time", Kind::Text, "time of day in UTC, with nanoseconds", |event, _| {
        Value::made(of_day(event.time, true))
    }),
    Field::event("evt.time.s", Kind::Text, "time of day in UTC, in seconds", |event, _| {
        Value::made(of_day(event.time, false))
    }),
    Field::event("evt.time.iso8601", Kind::Text, "date and time as ISO 8601", |event, _| {
        Value::made(iso8601(event.time))
    }),
    Field::event("evt.datetime", Kind::Text, "date and time, with nanoseconds", |event, _| {
        Value::made(format!("{} {}", date(event.time), of_day(event.time, true)))
    }),
    Field::event("evt.datetime.s", Kind::Text, "date and time, in seconds", |event, _| {
        Value::made(format!("{} {}", date(event.time), of_day(event.time, false)))
    }),
    Field::event("evt.rawtime", Kind::Number, "nanoseconds since the Unix epoch", |event, _| {
        event.time.into()
    }),
    Field::event("evt.rawtime.s", Kind::Number, "seconds since the Unix epoch", |event, _| {
        (event.time / SECOND).into()
    }),
    Field::event("evt.rawtime.ns", Kind::Number, "nanoseconds of the second", |event, _| {
        (event.time % SECOND).into()
    }),
    Field::event("evt.source", Kind::Text, "`syscall`", |_, _| "syscall".into()),
    Field::never("evt.reltime", Kind::Number, NO_BEGIN),
    Field::never("evt.reltime.s", Kind::Number, NO_BEGIN),
    Field::never("evt.reltime.ns", Kind::Number, NO_BEGIN),
    Field::never("evt.deltatime", Kind::Number, NO_OTHER),
    Field::never("evt.deltatime.s", Kind::Number, NO_OTHER),
    Field::never("evt.deltatime.ns", Kind::Number, NO_OTHER),
    Field::never("evt.latency", Kind::Number, NO_ENTER),
    Field::never("evt.latency.s", Kind::Number, NO_ENTER),
    Field::never("evt.latency.ns", Kind::Number, NO_ENTER),
    Field::never("evt.latency.human", Kind::Text, NO_ENTER),
    Field::never("evt.wait_latency", Kind::Number, NO_ENTER),
    Field::never("evt.hostname", Kind::Text, "the sink knows the host's name, an event does not"),
    Field::never("evt.pluginname", Kind::Text, NO_PLUGIN),
    Field::never("evt.plugininfo", Kind::Text, NO_PLUGIN),
    Field::never("evt.asynctype", Kind::Text, NO_PLUGIN),
];

const NO_BEGIN: &str = "an event does not know when its recording began";
const NO_OTHER: &str = "an event does not know the one before it";
const NO_ENTER: &str = "the beginning of a call is no event";
const NO_PLUGIN: &str = "there are no plugins";

/// `13:53:31.726060287`
pub(crate) fn of_day(time: u64, nanoseconds: bool) -> String {
    let seconds = time / SECOND;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match nanoseconds {
        true => format!("{hour:02}:{minute:02}:{second:02}.{:09}", time % SECOND),
        false => format!("{hour:02}:{minute:02}:{second:02}"),
    }
}

/// `2026-01-31T13:53:31.726060287Z`
pub(crate) fn iso8601(time: u64) -> String {
    format!("{}T{}Z", date(time), of_day(time, true))
}

/// The day of the proleptic Gregorian calendar: eras of 400 years, whose years begin in March so
/// that leap days stand at their ends.
fn date(time: u64) -> String {
    const DAYS_OF_ERA: u64 = 146_097;
    // 0000-03-01 was so many days before the Unix epoch.
    let days = time / SECOND / 86_400 + 719_468;
    let (era, day) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + carry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (time, expected) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_399 * SECOND + 1, "2000-02-28T23:59:59.000000001Z"),
            (951_782_400 * SECOND, "2000-02-29T00:00:00.000000000Z"),
            (951_868_800 * SECOND, "2000-03-01T00:00:00.000000000Z"),
            (1_798_761_599 * SECOND, "2026-12-31T23:59:59.000000000Z"),
            (4_107_542_400 * SECOND, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(iso8601(time), expected);
        }
    }
}
