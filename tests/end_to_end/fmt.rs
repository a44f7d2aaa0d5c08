//! `rosterd fmt`.

use std::fs;

use tempfile::TempDir;

use crate::story::run;

const UNTIDY: &str = "people:\n    jane@example.com:   {given_name: Jane}   # design\n";
const TIDY: &str = "people:\n  jane@example.com: { given_name: Jane }     # design\n";

fn files(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn check_shows_the_difference_and_writes_nothing() {
    let dir = files(&[("people/all.yaml", UNTIDY), ("settings.yaml", "settings: {}\n")]);
    let path = dir.path().to_str().unwrap();
    let said = run(&["fmt", path, "--check"]).await;
    assert_eq!(said.status, 1, "{said:?}");
    insta::assert_snapshot!(said.out, @r"
    --- a/people/all.yaml
    +++ b/people/all.yaml
    @@ -1,2 +1,2 @@
     people:
    -    jane@example.com:   {given_name: Jane}   # design
    +  jane@example.com: { given_name: Jane }     # design
    ");
    insta::assert_snapshot!(said.err, @"1 file of 2 would change; `rosterd fmt` does it");
    assert_eq!(fs::read_to_string(dir.path().join("people/all.yaml")).unwrap(), UNTIDY);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_laid_out_and_a_second_time_changes_nothing() {
    let dir = files(&[("people/all.yaml", UNTIDY), ("connectors/mine.yaml", UNTIDY), (".hidden.yaml", UNTIDY)]);
    let path = dir.path().to_str().unwrap();
    let said = run(&["fmt", path]).await;
    assert_eq!((said.status, said.err.trim()), (0, "laid out 1 file of 1"), "{said:?}");
    assert_eq!(fs::read_to_string(dir.path().join("people/all.yaml")).unwrap(), TIDY);
    assert_eq!(fs::read_to_string(dir.path().join("connectors/mine.yaml")).unwrap(), UNTIDY);
    let said = run(&["fmt", path, "--check"]).await;
    assert_eq!((said.status, said.out.as_str()), (0, ""), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_yaml_is_shown_and_the_others_are_laid_out_all_the_same() {
    let dir = files(&[("a.yaml", "people: [\n"), ("b.yaml", UNTIDY)]);
    let said = run(&["fmt", dir.path().to_str().unwrap()]).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("--> a.yaml:1:9") && said.err.contains("1 file left as it was"), "{}", said.err);
    assert_eq!(fs::read_to_string(dir.path().join("a.yaml")).unwrap(), "people: [\n");
    assert_eq!(fs::read_to_string(dir.path().join("b.yaml")).unwrap(), TIDY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_shows_no_secret_of_the_lines_that_change() {
    let app = |lines: &str| format!("apps:\n   a: {{connector: scim}}\n{lines}");
    for text in [
        app("   b:   {auth:   hunter2}\n"),
        app("   b:\n     auth:   [  hunter2 ]\n"),
        app("   b:\n     auth:   {token: {env:   [ hunter2 ]}}\n"),
        "settings:\n   notify:   [{url: {value:   'https://hooks.example.com/hunter2'}}]\n".to_owned(),
        "settings:\n   notify:   'https://hooks.example.com/hunter2'\n".to_owned(),
        app("   b: {url:   'https://x.example/v2?token=hunter2'}\n"),
    ] {
        let dir = files(&[("a.yaml", text.as_str())]);
        let said = run(&["fmt", dir.path().to_str().unwrap(), "--check"]).await;
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.out.contains("********") && !said.out.contains("hunter2"), "{said:?}");
        assert!(!said.err.contains("hunter2"), "{said:?}");
    }
}
