//! Secrets in plain text are refused, and shown nowhere.

use super::{check_file, load};

/// Everything that is ever shown of `text` is free of `hunter2`.
fn check_masked(text: &str) {
    let problems = load(&[("a.yaml", text)]).expect_err("a plain secret is an error");
    let programs = [problems.to_json(), problems.to_github("files"), crate::desired::masked(text)];
    let people = [problems.to_string(), problems.render(true, 60), format!("{problems:?}")];
    for shown in people.into_iter().chain(programs) {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let codes = ["plain-secret", "syntax", "unknown-key", "wrong-type", "bad-value"];
    assert!(problems.iter().any(|problem| codes.contains(&problem.code)), "{problems}");
}

#[test]
fn a_secret_in_plain_text_is_refused_and_masked() {
    check_file(
        "apps:\n  autodesk:\n    auth: { client_id: { env: ID }, client_secret: hunter2, colour: blue }\n",
        r#"
error: `client_secret` is a secret and is written here in plain text
 --> a.yaml:3:52
  |
3 |     auth: { client_id: { env: ID }, client_secret: ********, colour: ******** }
  |                                                    ^^^^^^^^ anyone who can read the files can read this
  = help: write `client_secret: { env: AUTODESK_CLIENT_SECRET }` or `{ file: PATH }`, and replace
          the secret: it is in the history now

error: unknown key `colour` in `auth`
 --> a.yaml:3:61
  |
3 |     auth: { client_id: { env: ID }, client_secret: ********, colour: ******** }
  |                                                              ^^^^^^
  = help: known keys: `client_id`, `client_secret`, `password`, `scopes`, `token`, `token_url`,
          `username`
"#,
    );
}

#[test]
fn no_secret_is_shown_wherever_it_stands() {
    for text in [
        "apps: { autodesk: { auth: { client_secret: hunter2 } } }",
        "apps: { autodesk: { auth: { client_secret: 'hunter2 and more', tokn: x, xyz: 1 } } }",
        "apps: { autodesk: { auth: { client_id: hunter2, password: [hunter2] } } }",
        "apps: { autodesk: { client_secret: hunter2, nonsense: 5 } }",
        "apps: { autodesk: { auth: { client_secrt: hunter2 } } }",
        "apps: { autodesk: { client_secrt: hunter2 } }",
        "apps: { autodesk: { auth: { token: { value: hunter2, env: X } } } }",
        "apps: { autodesk: { auth: { token: { env: hunter2-with-dashes } } } }",
        "apps: { autodesk: { options: { api_key: hunter2 } } }",
        "apps: { jira: { connector: autodesk, url: 'https://me:hunter2@api.example.com' } }",
        "people: { jane@example.com: { from: 'x://a:hunter2@b', status: 'x://a:hunter2@b' } }",
        "settings: { store: 'postgres://me:hunter2@db/x' }",
        "settings: { store: 'postgres://db/x?password=hunter2' }",
        "settings: { notify: [ { url: 'https://hooks.example.com/hunter2' } ] }",
        "settings: { daemon: { token: hunter2, tokne: 5 } }",
        "apps:\n  autodesk:\n    auth:\n      client_secret: |\n        hunter2\n      client_secret: >-\n        hunter2\n",
        "x: &x hunter2\nsettings: { daemon: { token: *x } }",
        "settings:\n  daemon: { token: hunter2\n",
        "settings:\n  daemon:\n    token: \"hunter2\n    listen: x\n",
        "settings:\n  daemon:\n    token: |\n      hunter2\n\tlisten: x\n",
        "settings:\n  notify: [ { url: https://hooks.example.com/hunter2 }\n",
        "apps: { autodesk: { auth: hunter2 } }",
        "apps: { autodesk: { auth: [ hunter2, { x: hunter2 } ] } }",
        "apps: { autodesk: { options: hunter2 } }",
        "apps: { autodesk: { options: [ hunter2 ] } }",
        "apps:\n  autodesk:\n    auth:\n      token:hunter2\n",
        "apps:\n  autodesk:\n    auth:\n      token=hunter2\n",
        "apps: { autodesk: { auth: { token:hunter2 } } }",
        "apps: { autodesk: { auth: { token=hunter2, client_id: { env: X } } } }",
        "apps: { autodesk: { auth: { hunter2 } } }",
        "apps:\n  autodesk:\n    auth:\n      client_id: { env: X }\n      token:hunter2\n",
        "apps:\n  autodesk:\n    auth:\n      client_id: { env: X }\n      token=hunter2\n",
        "apps:\n  autodesk:\n    auth:\n      client_id: { env: X }\n      hunter2\n",
        "apps:\n  autodesk:\n    auth: hunter2\n    x: [\n",
        "settings: { notify: 'https://hooks.example.com/hunter2' }",
        "settings: { notify: [ 'https://hooks.example.com/hunter2' ] }",
        "settings: { notify: [ { url: { value: 'https://hooks.example.com/hunter2' } } ] }",
        "settings: { daemon: hunter2 }",
        "apps: { autodesk: { auth: { token: { env: [ hunter2 ] } } } }",
        "apps: { autodesk: { connector: autodesk, url: 'https://x/v2?token=hunter2' } }",
        "apps: { autodesk: { connector: autodesk, url: 'https://x/v2#hunter2' } }",
        "apps: { autodesk: { connector: autodesk, url: 'htps:/u:hunter2@x' } }",
        "apps: { autodesk: { auth: { token_url: 'https://x/v2?token=hunter2' } } }",
    ] {
        check_masked(text);
    }
}

#[test]
fn a_secret_given_twice_is_masked_in_both_places() {
    check_file(
        "apps:\n  autodesk:\n    auth:\n      token: hunter2\n      token: hunter2hunter2\n",
        r#"
error: `token` is a secret and is written here in plain text
 --> a.yaml:4:14
  |
4 |       token: ********
  |              ^^^^^^^^ anyone who can read the files can read this
  = help: write `token: { env: AUTODESK_TOKEN }` or `{ file: PATH }`, and replace the secret: it is
          in the history now

error: `token` is given twice here
 --> a.yaml:5:7
  |
5 |       token: ********
  |       ^^^^^ given again here
 ::: a.yaml:4:7
  |
4 |       token: ********
  |       ^^^^^ first given here

error: `token` is a secret and is written here in plain text
 --> a.yaml:5:14
  |
5 |       token: ********
  |              ^^^^^^^^ anyone who can read the files can read this
  = help: write `token: { env: AUTODESK_TOKEN }` or `{ file: PATH }`, and replace the secret: it is
          in the history now
"#,
    );
}

#[test]
fn names_that_sound_like_secrets_are_names() {
    let files = "teams:\n  secret-santa: { members: [jane@example.com], grants: { autodesk: { groups: { Token Team: member } } } }\n\
                 apps:\n  autodesk:\n    auth: { token_url: 'https://login.example.com', client_secret: { env: SECRET } }\n    \
                 groups: { Token Team: { members: { sam@example.com: lead } } }\n";
    assert!(load(&[("a.yaml", files)]).is_ok());
}
