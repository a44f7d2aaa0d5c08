//! `rosterd pause`: what is paused, until when, by whom and why.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{
    Style,
    canvas::{Canvas, Line, Paint},
    json,
};
use crate::model::Pause;

/// The pauses in force, for people.
pub fn text(pauses: &[Pause], zone: &TimeZone, style: &Style) -> String {
    let mut canvas = Canvas::new(style);
    for pause in pauses {
        let app = pause.app.as_deref().unwrap_or("every app");
        let line = Line::new().whole(Paint::Strong, app).plain(": ");
        canvas.paragraph(0, &line.prose(Paint::Plain, &format!("{}; {}.", pause.sentence(zone), pause.goes_on())));
    }
    if pauses.is_empty() {
        canvas.say(Paint::Plain, "Nothing is paused.");
    }
    canvas.finish()
}

/// The same as JSON.
pub fn to_json(pauses: &[Pause]) -> String {
    json::print(&json!({ "version": 1, "pauses": pauses.iter().map(wire).collect::<Vec<_>>() }))
}

/// One pause as JSON; `app` is null where it is for every app.
pub fn wire(pause: &Pause) -> Value {
    json!({
        "app": pause.app,
        "since": pause.since,
        "until": pause.until,
        "by": pause.by,
        "reason": pause.reason,
        "holds_leavers": pause.holds_leavers,
    })
}
