use proptest::prelude::*;

use super::*;
use crate::desired::{parse, tests::StaticCatalogue};

fn check(text: &str, expect: &str) {
    let printed = format("a.yaml", text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    assert_eq!(printed, expect, "\n{printed}");
    assert_eq!(format("a.yaml", &printed).unwrap(), printed, "twice");
}

#[test]
fn indentation_and_spaces_become_the_same_everywhere() {
    check(
        "people:\n    jane@x.io:   {given_name:   Jane,aliases: [a@x.io,b@x.io]}\nteams:\n    a:\n        members:\n        - jane@x.io\n        -   sam@x.io\n",
        "people:\n  jane@x.io: { given_name: Jane, aliases: [a@x.io, b@x.io] }\nteams:\n  a:\n    members:\n      - jane@x.io\n      - sam@x.io\n",
    );
    check("a: { }\nb: [ ]\nc: {d, e: , f: 1}\n", "a: {}\nb: []\nc: { d, e:, f: 1 }\n");
    check("a: &x {b: &y c}\nd: *x\ne:\n  <<: *x\n*y : 1\n", "a: &x { b: &y c }\nd: *x\ne:\n  <<: *x\n*y : 1\n");
    check(
        "a:\n-  - 1\n   - 2\n-\n- k: v\n  l: &q\n     m: n\n",
        "a:\n  - - 1\n    - 2\n  -\n  - k: v\n    l: &q\n      m: n\n",
    );
}

#[test]
fn comments_stay_with_what_they_are_about() {
    check(
        "# top\n\n\n\npeople:   # who\n    # of jane\n    jane@x.io:      # key\n       given_name: Jane   # name\n       # end of jane\n    # end of people\n\n# of teams\nteams: {}\n# the end",
        "# top\n\npeople:   # who\n  # of jane\n  jane@x.io:        # key\n    given_name: Jane      # name\n    # end of jane\n  # end of people\n\n# of teams\nteams: {}\n# the end\n",
    );
    // Commented-out entries below a key that is empty without them.
    check(
        "groups:\n    # Design:\n    #   members:\nids:\n    a@x.io: 1\n",
        "groups:\n  # Design:\n  #   members:\nids:\n  a@x.io: 1\n",
    );
    // A list at the indentation of its key: what follows it at that indentation is about the next key.
    check("a:\n- 1\n# of b\nb: 2\n", "a:\n  - 1\n# of b\nb: 2\n");
    check("a:\n- # first\n  k: v\n", "a:\n  # first\n  - k: v\n");
    check("# only a comment   \n", "# only a comment\n");
    check("", "");
}

#[test]
fn a_flow_value_with_comments_in_it_becomes_a_block() {
    check(
        "a: { b: 1, # of b\n  # of c\n  c: [1, 2] } # end\n",
        "a:\n  b: 1     # of b\n  # of c\n  c: [1, 2]   # end\n",
    );
}

#[test]
fn a_flow_value_that_is_too_long_becomes_a_block() {
    let long = "x".repeat(60);
    check(
        &format!("a:\n  - {{ b: {long}, c: {long}, d: [1, 2] }}  # why\n  - short: {{ b: {long} }}\n"),
        &format!("a:\n  - b: {long}\n    c: {long}\n    d: [1, 2] # why\n  - short: {{ b: {long} }}\n"),
    );
    check(
        &format!("k: {{ b: {long}, c: {long}, d: [1, 2] }}    # why\n"),
        &format!("k: # why\n  b: {long}\n  c: {long}\n  d: [1, 2]\n"),
    );
    check("k: { a: 1,\n     b: 2 }\n", "k: { a: 1, b: 2 }\n");
}

#[test]
fn texts_keep_their_quotes_and_their_lines() {
    check(
        "a: \"yes\"\nb: 'no'\nc: one\n    two\n\n    three\nd: \"one\n   two\"\n",
        "a: \"yes\"\nb: 'no'\nc: one\n  two\n\n  three\nd: \"one\n  two\"\n",
    );
    check(
        "a:\n    b: |   # why\n        one\n          two\n\n        three\n\n    c: >-\n      folded\n    d: 1\n",
        "a:\n  b: |   # why\n    one\n      two\n\n    three\n\n  c: >-\n    folded\n  d: 1\n",
    );
    check("k:\n- |\n  text\n- >\n    more\n", "k:\n  - |\n    text\n  - >\n    more\n");
}

#[test]
fn the_ends_of_lines_and_the_marks_of_a_file_stay() {
    check("a:   1\r\nb: 2\r\n", "a: 1\r\nb: 2\r\n");
    check("\u{feff}a:   1\n", "\u{feff}a: 1\n");
    check("# first\n---\na:   1\n", "# first\n---\na: 1\n");
}

#[test]
fn what_cannot_be_laid_out_without_risk_is_refused() {
    let refused = |text: &str, why: &str| {
        let problems = format("a.yaml", text).unwrap_err().to_string();
        assert!(problems.contains(why), "{problems}");
    };
    refused("a: [1\n", "this is not YAML");
    refused("? a\n: b\n", "write `key: value`");
    refused("a: |+\n  text\n\n", "depends on its exact layout");
    refused("a: 1\n...\n", "remove that line");
    refused("apps:\n  a: { auth: { client_secret: hunter2hunter2 } }\n", "client_secret");
    let shown = format("a.yaml", "apps:\n  a: { auth: { client_secret: hunter2hunter2 } }\n").unwrap_err().to_string();
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_example_is_laid_out() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("desired-state");
    let files = crate::desired::read(&dir).unwrap().files;
    assert!(files.len() > 20);
    for (name, text) in files {
        assert_eq!(format(&name, &text).unwrap(), text, "{name}: run `rosterd fmt`");
    }
}

/// Choices, one after the other, from a random string of bytes; all the same once they are used up.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn one_of(&mut self, many: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % many)
    }

    fn yes(&mut self) -> bool {
        self.one_of(2) == 1
    }
}

enum Yaml {
    Nothing,
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

fn map<const N: usize>(entries: [(&str, Yaml); N]) -> Yaml {
    Yaml::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn text(text: &str) -> Yaml {
    Yaml::Text(text.to_owned())
}

/// A desired state that is valid, whatever the choices.
fn valid(choices: &mut Choices<'_>) -> Yaml {
    let who = |n: u8| format!("p{n}@x.io");
    let mut people = Vec::new();
    for n in 0..4 {
        let mut entries =
            vec![("given_name".to_owned(), text("G: # \"n\" {x}")), ("family_name".to_owned(), text("F"))];
        if choices.yes() {
            entries
                .push(("aliases".into(), Yaml::List(vec![text(&format!("a{n}@x.io")), text(&format!("b{n}@x.io"))])));
        }
        if choices.yes() {
            entries.push(("attributes".into(), map([("department", text("It's 50% - Design & co"))])));
        }
        if choices.yes() {
            entries.push(("until".into(), text("2030-01-31")));
        }
        people.push((who(n), Yaml::Map(entries)));
    }
    let mut members = Vec::new();
    for n in 0..4 {
        match choices.one_of(4) {
            0 => {}
            1 => members.push((who(n), map([("role", text("lead"))]))),
            2 => members.push((who(n), text("lead"))),
            _ => members.push((who(n), map([("role", text("member")), ("reason", text("for, a while"))]))),
        }
    }
    let grant = map([("role", text("user")), ("groups", map([("Other", text("member"))]))]);
    let team = map([("members", Yaml::List(vec![text(&who(0)), text(&who(1))])), ("grants", map([("a", grant)]))]);
    let app = map([
        ("connector", text("autodesk")),
        ("url", text("https://api.example.com")),
        ("defaults", map([("role", text("user"))])),
        ("accounts", if choices.yes() { Yaml::Nothing } else { map([("p3@x.io", map([("role", text("admin"))]))]) }),
        ("groups", map([("Design Team", map([("members", Yaml::Map(members))])), ("Other", Yaml::Nothing)])),
    ]);
    let approval = map([("allow", text("a/deactivate/p1@x.io")), ("guard", text("irreversible"))]);
    let approvals = if choices.yes() { Yaml::Nothing } else { Yaml::List(vec![approval]) };
    map([
        ("people", Yaml::Map(people)),
        ("teams", map([("t", team)])),
        ("apps", map([("a", app)])),
        ("approvals", approvals),
    ])
}

/// Writes a value in a style that the choices make up on the way.
struct Scribe<'a, 'b> {
    choices: &'a mut Choices<'b>,
    out: String,
    comments: usize,
}

impl Scribe<'_, '_> {
    fn scalar(&mut self, text: &str) -> String {
        let plain = !text.contains([':', '#', '"', '{', ',', '%', '&', '\'', '@']);
        match self.choices.one_of(3) {
            0 if plain => text.to_owned(),
            1 => format!("'{}'", text.replace('\'', "''")),
            _ => format!("{text:?}"),
        }
    }

    fn comment(&mut self) -> String {
        self.comments += 1;
        format!("# comment {}{}", self.comments, " ".repeat(self.choices.one_of(3).into()))
    }

    /// The end of a line, and what may stand before the next.
    fn end(&mut self) {
        if self.choices.one_of(4) == 1 {
            let comment = self.comment();
            self.out += &(" ".repeat(1 + usize::from(self.choices.one_of(9))) + &comment);
        }
        self.out.push('\n');
        for _ in 0..self.choices.one_of(3) {
            self.out.push('\n');
        }
        while self.choices.one_of(5) == 1 {
            let comment = self.comment();
            self.out += &(" ".repeat(self.choices.one_of(12).into()) + &comment + "\n");
        }
    }

    fn gap(&mut self) {
        if self.choices.one_of(6) == 1 {
            let comment = self.comment();
            self.out += &format!(" {comment}\n{}", " ".repeat(10 + usize::from(self.choices.one_of(9))));
        } else if self.choices.one_of(6) == 1 {
            self.out += &format!("\n{}", " ".repeat(10 + usize::from(self.choices.one_of(9))));
        } else {
            self.out += &" ".repeat(self.choices.one_of(3).into());
        }
    }

    fn flow(&mut self, value: &Yaml) {
        match value {
            Yaml::Nothing => {}
            Yaml::Text(text) => {
                let text = self.scalar(text);
                self.out += &text;
            }
            Yaml::List(items) => {
                self.out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    self.gap();
                    self.flow(item);
                    self.gap();
                }
                self.out.push(']');
            }
            Yaml::Map(entries) => {
                self.out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                    }
                    self.gap();
                    self.out += key;
                    if !matches!(value, Yaml::Nothing) || self.choices.yes() {
                        self.out += ": ";
                        self.flow(value);
                    }
                    self.gap();
                }
                self.out.push('}');
            }
        }
    }

    fn block(&mut self, value: &Yaml, indent: usize) {
        let collection = match value {
            Yaml::List(items) => !items.is_empty(),
            Yaml::Map(entries) => !entries.is_empty(),
            _ => false,
        };
        if !collection || (indent > 4 && self.choices.one_of(3) == 1) {
            self.out.push(' ');
            match value {
                Yaml::Nothing if self.choices.yes() => self.out.push('~'),
                _ => self.flow(value),
            }
            return self.end();
        }
        self.end();
        match value {
            Yaml::List(items) => {
                for item in items {
                    self.out += &(" ".repeat(indent) + "-");
                    let deeper = indent + 1 + usize::from(self.choices.one_of(3));
                    match item {
                        Yaml::Map(entries) if self.choices.yes() => {
                            self.out += &" ".repeat(deeper - indent);
                            self.entries(entries, deeper + 1, true);
                        }
                        _ => self.block(item, deeper),
                    }
                }
            }
            Yaml::Map(entries) => self.entries(entries, indent, false),
            _ => {}
        }
    }

    fn entries(&mut self, entries: &[(String, Yaml)], indent: usize, begun: bool) {
        for (i, (key, value)) in entries.iter().enumerate() {
            if i > 0 || !begun {
                self.out += &" ".repeat(indent);
            }
            self.out += &format!("{key}:");
            let deeper = indent + 1 + usize::from(self.choices.one_of(4));
            self.block(value, deeper);
        }
    }
}

/// What is desired, without where it is said.
fn meaning(text: &str) -> String {
    let loaded = parse(vec![("a.yaml".into(), text.into())], &StaticCatalogue);
    let desired = format!("{:?}", loaded.unwrap_or_else(|problems| panic!("{problems}\n{text}")).desired);
    let mut pieces = desired.split("Place {");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |out, piece| out + piece.split_once('}').map_or("", |(_, rest)| rest.trim_start_matches(", ")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn formatting_keeps_the_meaning_and_the_comments_and_is_done_after_once(
        content in prop::collection::vec(any::<u8>(), 40),
        style in prop::collection::vec(any::<u8>(), 600),
    ) {
        let value = valid(&mut Choices(content.iter()));
        let mut choices = Choices(style.iter());
        let mut scribe = Scribe { choices: &mut choices, out: String::new(), comments: 0 };
        scribe.block(&value, 0);
        let (written, comments) = (scribe.out, scribe.comments);
        let printed = format("a.yaml", &written).unwrap_or_else(|problems| panic!("{problems}\n{written}"));
        prop_assert_eq!(meaning(&printed), meaning(&written), "\n{}\n---\n{}", written, printed);
        for n in 1..=comments {
            let comment = format!("# comment {n}\n");
            prop_assert_eq!(printed.matches(&comment).count(), 1, "{}\n---\n{}", written, printed);
        }
        let again = format("a.yaml", &printed).unwrap();
        prop_assert_eq!(&again, &printed, "\nwritten:\n{}", written);
    }
}
