//! Keys and values of each section, taken one by one.

use std::time::Duration;

use super::{check, check_file, desired, load, same};
use crate::model::{Keep, Schedule};

#[test]
fn unknown_keys_are_errors_with_the_nearest_known_one() {
    check_file(
        "people:\n  jane@example.com: { givn_name: J }\nteems: {}\nsettings: { xyzzy: 1 }\n",
        r#"
error: unknown key `givn_name` in a person
 --> a.yaml:2:23
  |
2 |   jane@example.com: { givn_name: J }
  |                       ^^^^^^^^^
  = help: did you mean `given_name`?

error: unknown key `teems` in the files
 --> a.yaml:3:1
  |
3 | teems: {}
  | ^^^^^
  = help: did you mean `teams`?

error: unknown key `xyzzy` in `settings`
 --> a.yaml:4:13
  |
4 | settings: { xyzzy: 1 }
  |             ^^^^^
  = help: known keys: `daemon`, `keep`, `notify`, `policy`, `schedule`, `store`, `time_zone`
"#,
    );
}

#[test]
fn all_problems_of_all_files_come_in_one_run_sorted_by_place() {
    check(
        &[
            ("b.yaml", "people:\n  kim@example.com: { status: gone }\n  jane@: {}\n"),
            ("a.yaml", "settings:\n  schedule: { every: 15 minutess }\n  time_zone: Europe/Berln\n"),
        ],
        r#"
error: `15 minutess` is not a duration such as `15m` or `30d`
 --> a.yaml:2:22
  |
2 |   schedule: { every: 15 minutess }
  |                      ^^^^^^^^^^^
  = help: write a number and a unit: `30s`, `15m`, `12h`, `30d`

error: `Europe/Berln` is not a time zone such as `Europe/Berlin`
 --> a.yaml:3:14
  |
3 |   time_zone: Europe/Berln
  |              ^^^^^^^^^^^^
  = help: did you mean `Europe/Berlin`?

error: `gone` is not a value of `status`
 --> b.yaml:2:30
  |
2 |   kim@example.com: { status: gone }
  |                              ^^^^
  = help: values: `active`, `left`, `suspended`

error: `jane@` is not an email address: the part behind the @ is not a domain name
 --> b.yaml:3:3
  |
3 |   jane@: {}
  |   ^^^^^
"#,
    );
}

#[test]
fn values_of_the_wrong_kind_say_what_was_expected() {
    check_file(
        "people: [jane@example.com]\nteams:\n  t:\n    members: 5\n    grants: { autodesk: [user] }\n    includes: { a: b }\nsettings: text\n",
        r#"
warning: team `t` grants nothing, and no team includes it
 --> a.yaml:3:3
  |
3 |   t:
  |   ^
  = help: give it `grants`, or remove it

error: expected a mapping whose keys are email addresses, found a single value
 --> a.yaml:4:14
  |
4 |     members: 5
  |              ^

error: expected nothing, a role or a mapping, found a list
 --> a.yaml:5:25
  |
5 |     grants: { autodesk: [user] }
  |                         ^

error: expected a text, found a mapping
 --> a.yaml:6:15
  |
6 |     includes: { a: b }
  |               ^

error: expected a mapping, found a single value
 --> a.yaml:7:11
  |
7 | settings: text
  |           ^^^^

error: `people` is a list in one place and a mapping in another
 --> base.yaml:2:3
  |
2 |   jane@example.com: { given_name: Jane, family_name: Doe }
  |   ^ a mapping here
 ::: a.yaml:1:9
  |
1 | people: [jane@example.com]
  |         ^ a list here
  = help: keep one of them; files are merged, and none overrides another
"#,
    );
}

#[test]
fn dates_and_windows_are_checked() {
    check_file(
        "people:\n  kim@example.com: { from: 2027-02-30 }\n  lee@example.com: { until: next week }\n  \
         max@example.com: { from: 2027-03-01, until: 2027-02-01 }\n  una@example.com: { from: 2027-03-01T10:00 }\n",
        r#"
error: `2027-02-30` is not a date or an RFC 3339 time
 --> a.yaml:2:28
  |
2 |   kim@example.com: { from: 2027-02-30 }
  |                            ^^^^^^^^^^
  = help: there is no such day; write a date (`2026-12-01`), or a time with its offset
          (`2026-12-01T18:00:00Z`)

error: `next week` is not a date or an RFC 3339 time
 --> a.yaml:3:29
  |
3 |   lee@example.com: { until: next week }
  |                             ^^^^^^^^^
  = help: write a date (`2026-12-01`), or a time with its offset (`2026-12-01T18:00:00Z`)

error: `until` is before `from`
 --> a.yaml:4:47
  |
4 |   max@example.com: { from: 2027-03-01, until: 2027-02-01 }
  |                                               ^^^^^^^^^^ ends here
  |                            ^^^^^^^^^^ begins here
  = help: a window that ends before it begins grants nothing; remove the line if that is meant

error: `2027-03-01T10:00` is not a date or an RFC 3339 time
 --> a.yaml:5:28
  |
5 |   una@example.com: { from: 2027-03-01T10:00 }
  |                            ^^^^^^^^^^^^^^^^
  = help: write a date (`2026-12-01`), or a time with its offset (`2026-12-01T18:00:00Z`)
"#,
    );
}

#[test]
fn until_includes_its_day_in_the_organisations_time_zone() {
    let desired = desired(&[(
        "a.yaml",
        "settings: { time_zone: Europe/Berlin }\npeople:\n  kim@example.com: { from: 2026-12-01, until: 2026-12-01 }\n",
    )]);
    let window = desired.people.values().find(|person| person.window.from.is_some()).unwrap().window;
    assert_eq!(window.from.unwrap().to_string(), "2026-11-30T23:00:00Z");
    assert_eq!(window.until.unwrap().to_string(), "2026-12-01T23:00:00Z");
}

#[test]
fn budgets_urls_and_counts_are_checked() {
    check_file(
        "apps:\n  jira:\n    connector: autodesk\n    url: api.example.com\n    defaults: { role: user }\n    seats: -5\n    mode: enforced\n    \
         budget: { requests: 1000/w, read: 5/s, keep_free: 10, concurrency: 0 }\n",
        r#"
error: `api.example.com` is not the address of an API
 --> a.yaml:4:10
  |
4 |     url: api.example.com
  |          ^^^^^^^^^^^^^^^
  = help: write the whole address, such as `https://api.example.com`

error: `-5` is not a whole number
 --> a.yaml:6:12
  |
6 |     seats: -5
  |            ^^
  = help: write a whole number from 0 to 4294967295

error: `enforced` is not a value of `mode`
 --> a.yaml:7:11
  |
7 |     mode: enforced
  |           ^^^^^^^^
  = help: did you mean `enforce`?

error: `1000/w` is not a number of requests in a time, such as `1000/h`
 --> a.yaml:8:25
  |
8 |     budget: { requests: 1000/w, read: 5/s, keep_free: 10, concurrency: 0 }
  |                         ^^^^^^
  = help: write a number of requests and `s`, `m`, `h` or `d`: `1000/h`

error: `10` is not a share such as `10%`
 --> a.yaml:8:55
  |
8 |     budget: { requests: 1000/w, read: 5/s, keep_free: 10, concurrency: 0 }
  |                                                       ^^
  = help: write a percentage from 0% to 100%, such as `10%`

error: with a concurrency of 0 nothing can be sent
 --> a.yaml:8:72
  |
8 |     budget: { requests: 1000/w, read: 5/s, keep_free: 10, concurrency: 0 }
  |                                                                        ^
  = help: write 1 or more
"#,
    );
    check_file(
        "apps:\n  jira:\n    connector: autodesk\n    url: https://api.example.com/?x=1\n    budget: { requests: 10/h, read: 5/s, keep_free: 100% }\n",
        r#"
error: `https://api.example.com/?…` is not the address of an API
 --> a.yaml:4:10
  |
4 |     url: ********
  |          ^^^^^^^^
  = help: leave out what follows `?` or `#`

error: `requests` replaces all quotas; it cannot stand beside `read` or `write`
 --> a.yaml:5:37
  |
5 |     budget: { requests: 10/h, read: 5/s, keep_free: 100% }
  |                                     ^^^
  |                         ^^^^
  = help: keep `requests`, or `read` and `write`

error: this leaves nothing to us
 --> a.yaml:5:53
  |
5 |     budget: { requests: 10/h, read: 5/s, keep_free: 100% }
  |                                                     ^^^^
  = help: write less than 100%
"#,
    );
}

#[test]
fn a_trailing_slash_of_an_address_goes() {
    let desired = desired(&[(
        "a.yaml",
        "apps:\n  jira: { connector: autodesk, url: https://api.example.com/scim/v2/, budget: { requests: 1000/h, concurrency: 10, keep_free: 10% } }\n",
    )]);
    assert_eq!(desired.apps["jira"].url.as_str(), "https://api.example.com/scim/v2");
    let budget = &desired.apps["jira"].budget;
    assert_eq!((budget.requests.unwrap().requests, budget.keep_free_percent), (1000, Some(10.0)));
}

#[test]
fn policies_are_checked() {
    check_file(
        "settings:\n  policy:\n    unlisted: delete\n    delete_after: 30\n    protect: ['[a', '*@example.com']\n    \
         max_removals: 10 percent\n    max_creates: { share: 25, at_leest: 3 }\n    min_admins: one\n    freeze: [{ reason: holidays }]\n",
        r#"
error: `delete` is not a value of `unlisted`
 --> a.yaml:3:15
  |
3 |     unlisted: delete
  |               ^^^^^^
  = help: values: `ignore`, `remove`, `report`

error: `30` is not a duration such as `15m` or `30d`
 --> a.yaml:4:19
  |
4 |     delete_after: 30
  |                   ^^
  = help: write a number and a unit: `30s`, `15m`, `12h`, `30d`

error: `[a` is not a pattern for email addresses, such as `*@example.com`: unclosed character class;
       missing ']'
 --> a.yaml:5:15
  |
5 |     protect: ['[a', '*@example.com']
  |               ^^^^
  = help: `*` stands for any characters, `?` for one

error: `10 percent` is not a share such as `10%` or a count
 --> a.yaml:6:19
  |
6 |     max_removals: 10 percent
  |                   ^^^^^^^^^^
  = help: write `10%`, `5`, or `{ share: 10%, at_least: 3 }`

error: `25` is not a share such as `10%`
 --> a.yaml:7:27
  |
7 |     max_creates: { share: 25, at_leest: 3 }
  |                           ^^
  = help: write a percentage from 0% to 100%, such as `10%`

error: unknown key `at_leest` in a cap
 --> a.yaml:7:31
  |
7 |     max_creates: { share: 25, at_leest: 3 }
  |                               ^^^^^^^^
  = help: did you mean `at_least`?

error: `one` is not a whole number
 --> a.yaml:8:17
  |
8 |     min_admins: one
  |                 ^^^
  = help: write a whole number from 0 to 4294967295

error: a freeze without `from` and `until` never ends
 --> a.yaml:9:16
  |
9 |     freeze: [{ reason: holidays }]
  |                ^^^^^^
  = help: say from when or until when; `mode: observe` stops an app for good
"#,
    );
}

#[test]
fn policies_are_laid_over_each_other() {
    let desired = desired(&[(
        "a.yaml",
        "settings:\n  policy: { unlisted: remove, min_admins: 2, max_removals: 10%, freeze: { until: 2027-01-01, reason: move } }\n\
         apps:\n  autodesk:\n    policy: { min_admins: 3, aliases: keep, max_creates: 7, delete_after: 30d, protect: boss@example.com }\n    \
         groups: { Design Team: { policy: { max_removals: { share: 50%, at_least: 1 } } } }\n",
    )]);
    let app = &desired.apps["autodesk"];
    same(
        &format!("{:#?}", (&app.policy, &app.groups["Design Team"].policy.max_removals)),
        r#"
(
    Policy {
        unlisted: Remove,
        aliases: Keep,
        remove_with: Deactivate,
        delete_after: Some(
            2592000s,
        ),
        irreversible: Hold,
        protect: [
            "boss@example.com",
        ],
        max_removals: Cap {
            share_percent: 10.0,
            at_least: 0,
        },
        max_creates: Cap {
            share_percent: 0.0,
            at_least: 7,
        },
        min_admins: 3,
        freeze: [
            Freeze {
                window: Window {
                    from: None,
                    until: Some(
                        2027-01-02T00:00:00Z,
                    ),
                },
                reason: Some(
                    "move",
                ),
                place: Place {
                    file: "a.yaml",
                    line: 2,
                    column: 65,
                },
            },
        ],
        places: {
            "aliases": Place {
                file: "a.yaml",
                line: 5,
                column: 39,
            },
            "delete_after": Place {
                file: "a.yaml",
                line: 5,
                column: 75,
            },
            "freeze": Place {
                file: "a.yaml",
                line: 2,
                column: 65,
            },
            "max_creates": Place {
                file: "a.yaml",
                line: 5,
                column: 45,
            },
            "max_removals": Place {
                file: "a.yaml",
                line: 2,
                column: 46,
            },
            "min_admins": Place {
                file: "a.yaml",
                line: 5,
                column: 27,
            },
            "protect": Place {
                file: "a.yaml",
                line: 5,
                column: 80,
            },
            "unlisted": Place {
                file: "a.yaml",
                line: 2,
                column: 23,
            },
        },
    },
    Cap {
        share_percent: 50.0,
        at_least: 1,
    },
)
"#,
    );
}

#[test]
fn settings_are_checked() {
    check_file(
        "settings:\n  store: memory\n  schedule: { every: 5m, cron: '* * * * *' }\n  notify: [{ url: { env: A, file: b }, on: [drft] }, { on: held }]\n  \
         daemon: { listen: localhost, token: { } }\n",
        r#"
error: this is not a store
 --> a.yaml:2:10
  |
2 |   store: memory
  |          ^^^^^^
  = help: write `sqlite:PATH`, or `{ env: NAME }` with a variable that holds a postgres:// URL

error: a schedule has `every` or `cron`, not both
 --> a.yaml:3:32
  |
3 |   schedule: { every: 5m, cron: '* * * * *' }
  |                                ^^^^^^^^^^^
  |                      ^^
  = help: keep one of them

error: a secret comes from `env` or from `file`, not from both
 --> a.yaml:4:35
  |
4 |   notify: [{ url: { env: A, file: b }, on: [drft] }, { on: held }]
  |                                   ^
  |                          ^
  = help: keep one of them

error: `drft` is not a value of `on`
 --> a.yaml:4:45
  |
4 |   notify: [{ url: { env: A, file: b }, on: [drft] }, { on: held }]
  |                                             ^^^^
  = help: did you mean `drift`?

error: this has no `url` to tell
 --> a.yaml:4:56
  |
4 |   notify: [{ url: { env: A, file: b }, on: [drft] }, { on: held }]
  |                                                        ^^
  = help: add `url: { env: NAME }`

error: `localhost` is not an address with a port, such as `127.0.0.1:8484`
 --> a.yaml:5:21
  |
5 |   daemon: { listen: localhost, token: { } }
  |                     ^^^^^^^^^
  = help: write an IP address and a port: `127.0.0.1:8484`, `[::1]:8484`

error: a secret needs `env` or `file`
 --> a.yaml:5:32
  |
5 |   daemon: { listen: localhost, token: { } }
  |                                ^^^^^
  = help: write `{ env: NAME }` or `{ file: PATH }`
"#,
    );
    check_file(
        "settings:\n  schedule: { cron: '* * * *' }\n",
        r#"
error: `* * * *` is not a cron expression of five or six fields
 --> a.yaml:2:21
  |
2 |   schedule: { cron: '* * * *' }
  |                     ^^^^^^^^^
  = help: it has 4 fields; write minute, hour, day, month, weekday, with seconds first if need be
"#,
    );
    check_file(
        "settings:\n  schedule: { jitter: 5m }\n",
        r#"
error: a schedule needs `every` or `cron`
 --> a.yaml:2:3
  |
2 |   schedule: { jitter: 5m }
  |   ^^^^^^^^
  = help: such as `{ every: 15m, jitter: 1m }`
"#,
    );
}

#[test]
fn how_long_the_past_is_kept_is_told_in_years_and_days() {
    let kept = |text: &str| desired(&[("a.yaml", text)]).settings.keep;
    let days = |days: u64| Some(std::time::Duration::from_secs(days * 86_400));
    let keep = kept("settings: { keep: { ledger: 7y, readings: 90d } }\n");
    // A year has the quarter of a day that leap years make up for.
    assert_eq!((keep.ledger.map(|span| span.as_secs()), keep.readings), (Some(7 * 31_557_600), days(90)));
    assert_eq!(kept("settings: { keep: { readings: 1d } }\n"), Keep { ledger: None, readings: days(1) });
    assert_eq!(kept("settings: { time_zone: UTC }\n"), Keep::default());
}

#[test]
fn no_jitter_at_all_can_be_said_and_no_pause_at_all_cannot() {
    let schedule = |text: &str| load(&[("a.yaml", &format!("settings:\n  schedule: {text}\n"))]);
    let settings = schedule("{ every: 15m, jitter: 0s }").unwrap().desired.settings;
    let Schedule::Every { every, jitter } = settings.schedule else { panic!("{:?}", settings.schedule) };
    assert_eq!((every.as_secs(), jitter.as_secs()), (900, 0));
    assert!(schedule("{ every: 0s }").is_err());
}

#[test]
fn settings_are_understood() {
    let desired = desired(&[(
        "a.yaml",
        "settings:\n  time_zone: Asia/Tokyo\n  store: { env: DATABASE_URL }\n  schedule: { cron: '0 */15 * * * *' }\n  \
         notify: [ { url: { env: SLACK_WEBHOOK }, on: [drift, held] } ]\n  daemon: { listen: 127.0.0.1:8484, token: { file: /run/token }, drift: report }\n",
    )]);
    let settings = &desired.settings;
    let Schedule::Cron { cron, jitter } = &settings.schedule else { panic!("{:?}", settings.schedule) };
    assert_eq!((cron.pattern.to_string().as_str(), *jitter), ("0 */15 * * * *", Duration::ZERO));
    same(
        &format!("{:#?}", (&settings.store, &settings.notify, &settings.daemon)),
        r#"
(
    Secret(
        Env(
            "DATABASE_URL",
        ),
    ),
    [
        Notify {
            url: Env(
                "SLACK_WEBHOOK",
            ),
            on: {
                "drift",
                "held",
            },
        },
    ],
    Daemon {
        listen: Some(
            127.0.0.1:8484,
        ),
        token: Some(
            File(
                "/run/token",
            ),
        ),
        read_token: None,
        drift: Report,
    },
)
"#,
    );
}

#[test]
fn an_approval_of_a_cap_without_a_number_is_told_to_be_for_one_person() {
    check_file(
        "approvals:\n  - { allow: autodesk, guard: max-removals, until: 2026-12-01 }\n",
        r#"
warning: this approval of max-removals names no number, so it covers one person
 --> a.yaml:2:7
  |
2 |   - { allow: autodesk, guard: max-removals, until: 2026-12-01 }
  |       ^^^^^
  = help: write `up_to: N`
"#,
    );
}

#[test]
fn approvals_are_checked() {
    check_file(
        "approvals:\n  - { allow: autodesk/deactivate/jane@example.com, guard: irreversible, until: 2026-12-31, reason: HR-77 }\n  \
         - { allow: autodsk, guard: max-removals, up_to: 40, until: 2026-12-01 }\n  \
         - { allow: autodesk/deactivte/jane@example.com, guard: irreversible, until: 2026-12-31 }\n  \
         - { allow: autodesk/delete-group/Desgn Team, guard: irreversible, until: 2026-12-31 }\n  \
         - { allow: autodesk/create/jane, guard: max-creates, up_to: 1, until: 2026-12-31 }\n  \
         - { allow: autodesk/create/jane@example.com/x, guard: protected, until: 2026-12-31 }\n  \
         - { allow: autodesk, guard: ambiguous, until: 2026-12-31 }\n  \
         - { allow: autodesk, guard: reversible, until: 2026-12-31 }\n  \
         - { allow: autodesk, guard: protected, up_to: 4 }\n  \
         - { guard: protected, until: 2026-12-31 }\n",
        r#"
error: there is no app `autodsk`
 --> a.yaml:3:14
  |
3 |   - { allow: autodsk, guard: max-removals, up_to: 40, until: 2026-12-01 }
  |              ^^^^^^^
  = help: did you mean `autodesk`?

error: there is no verb `deactivte`
 --> a.yaml:4:14
  |
4 |   - { allow: autodesk/deactivte/jane@example.com, guard: irreversible, until: 2026-12-31 }
  |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: did you mean `deactivate`?

error: app `autodesk` declares no group `Desgn Team`
 --> a.yaml:5:14
  |
5 |   - { allow: autodesk/delete-group/Desgn Team, guard: irreversible, until: 2026-12-31 }
  |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: did you mean `Design Team`?

error: `jane` is not an email address: an email address has exactly one @
 --> a.yaml:6:14
  |
6 |   - { allow: autodesk/create/jane, guard: max-creates, up_to: 1, until: 2026-12-31 }
  |              ^^^^^^^^^^^^^^^^^^^^
  = help: write the whole address

error: `autodesk/create/jane@example.com/x` is not the name of an action, or the beginning of one
 --> a.yaml:7:14
  |
7 |   - { allow: autodesk/create/jane@example.com/x, guard: protected, until: 2026-12-31 }
  |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = help: write `APP/VERB/EMAIL`, or less of it; a `/` inside a name is `%2F`

error: the guard `ambiguous` cannot be released by an approval
 --> a.yaml:8:31
  |
8 |   - { allow: autodesk, guard: ambiguous, until: 2026-12-31 }
  |                               ^^^^^^^^^
  = help: what it found has to be fixed; the plan says how

error: `reversible` is not a value of `guard`
 --> a.yaml:9:31
  |
9 |   - { allow: autodesk, guard: reversible, until: 2026-12-31 }
  |                               ^^^^^^^^^^
  = help: did you mean `irreversible`?

warning: this approval never expires
  --> a.yaml:10:7
   |
10 |   - { allow: autodesk, guard: protected, up_to: 4 }
   |       ^^^^^
   = help: add `until: DATE`, so that it does not release something else later

error: `up_to` is for the guards max-removals, max-creates and identity
  --> a.yaml:10:49
   |
10 |   - { allow: autodesk, guard: protected, up_to: 4 }
   |                                                 ^
   = help: remove it

error: this approval has no `allow`
  --> a.yaml:11:7
   |
11 |   - { guard: protected, until: 2026-12-31 }
   |       ^^^^^
   = help: `- { allow: APP/VERB/EMAIL, guard: irreversible, until: 2026-12-31, reason: … }`; a held
           action's line in the plan can be copied
"#,
    );
}

#[test]
fn attributes_and_options_keep_their_kinds() {
    let desired = desired(&[(
        "a.yaml",
        "people:\n  kim@example.com: { attributes: { level: 5, remote: true, code: '007', zip: 007, tags: [a, b] } }\n\
         apps: { autodesk: { options: { region: EU, pages: 5, nested: { deep: [true, null, '5'] } } } }\n",
    )]);
    let kim = desired.people.values().find(|person| !person.attributes.is_empty()).unwrap();
    same(
        &format!("{:?}", kim.attributes),
        r#"
{"code": Text("007"), "level": Number(5), "remote": Flag(true), "tags": Set({"a", "b"}), "zip": Text("007")}
"#,
    );
    same(
        &format!("{:?}", desired.apps["autodesk"].options),
        r#"
{"nested": Object {"deep": Array [Bool(true), Null, String("5")]}, "pages": Number(5), "region": String("EU")}
"#,
    );
}

#[test]
fn a_long_line_is_cut_around_what_is_wrong() {
    let padding = "x".repeat(300);
    check_file(
        &format!(
            "people: {{ kim@example.com: {{ given_name: {padding}, familyname: Lee, attributes: {{ a: {padding} }} }} }}\n"
        ),
        r#"
error: unknown key `familyname` in a person
 --> a.yaml:1:344
  |
1 | …xxxxxxxxxxxxxxxxxxxxx, familyname: Lee, attributes: { a: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
  |                         ^^^^^^^^^^
  = help: did you mean `family_name`?
"#,
    );
}
