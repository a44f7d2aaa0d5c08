//! Apps whose way of paging is declared: by offsets, page numbers, tokens or links.

use super::*;

fn offset() -> Paging {
    Paging {
        cursor: Cursor::Row { parameter: "offset".into(), first: 0 },
        size: Some("limit".into()),
        max: Some(2),
        default: None,
        ends_short: false,
        totals: Totals::Stated("total".into()),
    }
}

fn number() -> Paging {
    let cursor = Cursor::Number { parameter: "page".into(), first: 1 };
    Paging { cursor, totals: Totals::Unsaid, ends_short: true, ..offset() }
}

fn token() -> Paging {
    let cursor = Cursor::Token { parameter: "token".into(), opening: None };
    Paging { cursor, totals: Totals::Unsaid, ..offset() }
}

fn link() -> Paging {
    Paging { cursor: Cursor::Link, totals: Totals::Unsaid, ..offset() }
}

#[test]
fn offsets_advance_by_the_rows_that_came() {
    let pages = vec![page([1, 2], json!({"total": 4})), page([3], json!({"total": 4})), page([4], json!({"total": 4}))];
    let queries = ["offset=0&limit=2", "offset=2&limit=2", "offset=3&limit=2"];
    check(&offset(), pages, &queries, [1, 2, 3, 4], "complete");
}

#[test]
fn an_empty_list_takes_one_page() {
    check(&offset(), vec![page([], json!({"total": 0}))], &["offset=0&limit=2"], [], "complete");
    check(&token(), vec![page([], json!({"next": null}))], &["limit=2"], [], "complete");
}

#[test]
fn a_total_that_moves_or_disagrees_is_no_complete_reading() {
    let moved = vec![page([1, 2], json!({"total": 4})), page([4], json!({"total": 3}))];
    let queries = ["offset=0&limit=2", "offset=2&limit=2"];
    check(&offset(), moved, &queries, [1, 2, 4], "moved: the total went from 4 to 3 while the list was read");
    let short = vec![page([1, 2], json!({"total": 3})), page([], json!({"total": 3}))];
    check(&offset(), short, &queries, [1, 2], "moved: 2 of 3 rows were seen");
}

#[test]
fn a_list_that_does_not_say_its_total_where_it_should_proves_no_absence() {
    check(&offset(), vec![page([], json!({}))], &["offset=0&limit=2"], [], "broken: no page said `total`");
}

#[test]
fn rows_that_come_twice_are_kept_once_and_told() {
    let pages = vec![page([1, 2], json!({"total": 4})), page([2, 3], json!({"total": 4}))];
    let why = "moved: 1 rows came twice: the list moved while it was read";
    check(&offset(), pages, &["offset=0&limit=2", "offset=2&limit=2"], [1, 2, 3], why);
}

#[test]
fn a_page_that_repeats_itself_ends_the_reading() {
    let same = page([1, 2], json!({}));
    let why = "broken: page 2 repeats rows that came before and has no others";
    check(&number(), vec![same.clone(), same], &["page=1&limit=2", "page=2&limit=2"], [1, 2], why);
}

#[test]
fn numbered_pages_end_with_a_short_one() {
    let pages = vec![page([1, 2], json!({})), page([3], json!({})), page([9], json!({}))];
    check(&number(), pages, &["page=1&limit=2", "page=2&limit=2"], [1, 2, 3], "complete");
}

#[test]
fn an_app_that_makes_smaller_pages_than_were_asked_for_is_followed_to_the_end() {
    let wide = Paging { max: Some(100), ..number() };
    let rows = |ids: std::ops::Range<u32>| page(ids, json!({}));
    let queries = ["page=1&limit=100", "page=2&limit=100", "page=3&limit=100"];
    check(&wide, vec![rows(0..10), rows(10..20), rows(20..23)], &queries, 0..23, "complete");
    check(&wide, vec![rows(0..7)], &queries[..1], 0..7, "complete");
    check(&wide, vec![rows(0..10), rows(0..0)], &queries[..2], 0..10, "complete");
}

#[test]
fn a_page_as_long_as_the_apps_own_default_is_not_taken_for_a_short_one() {
    let paging = Paging { max: Some(100), default: Some(2), ..number() };
    let pages = vec![page([1, 2], json!({})), page([3], json!({}))];
    check(&paging, pages, &["page=1&limit=100", "page=2&limit=100"], [1, 2, 3], "complete");
}

#[test]
fn a_number_that_may_be_the_total_leads_on_and_never_ends_the_reading() {
    let paging = Paging { max: Some(3), ..number() };
    let queries = ["page=1&limit=3", "page=2&limit=3"];
    // Here it is the total, and the app sends smaller pages than asked for.
    let pages = vec![page([1, 2], json!({"at_least": 3})), page([3], json!({"at_least": 3}))];
    check(&paging, pages, &queries, [1, 2, 3], "complete");
    // Here it is the length of the page.
    let pages = vec![page([1, 2, 3], json!({"at_least": 3})), page([4], json!({"at_least": 1}))];
    check(&paging, pages, &queries, [1, 2, 3, 4], "complete");
    let pages = vec![page([1, 2, 3], json!({"at_least": 9})), page([], json!({"at_least": 9}))];
    check(&paging, pages, &queries, [1, 2, 3], "moved: 3 of 9 rows were seen");
}

#[test]
fn a_list_that_the_app_cut_off_is_never_complete() {
    let cut = || json!({"cut_off": "it says so", "next": "?m=1"});
    // Everything comes at once here, and there is no way on.
    check(&Paging::at_once(Cursor::Whole), vec![page([1], cut())], &[""], [1], "broken: it says so");
    // A page that leads on may well say that there is more.
    check(&link(), vec![page([1], cut()), page([2], json!({}))], &["limit=2", "m=1"], [1, 2], "complete");
}

#[test]
fn tokens_are_followed_to_the_end_and_never_twice() {
    let pages =
        vec![page([1], json!({"next": "t1"})), page([], json!({"next": "t2"})), page([2], json!({"next": null}))];
    check(&token(), pages, &["limit=2", "token=t1&limit=2", "token=t2&limit=2"], [1, 2], "complete");
    let pages = vec![page([1], json!({"next": "t1"})), page([2], json!({"next": "t1"}))];
    let why = "broken: a page points back to one that was read";
    check(&token(), pages, &["limit=2", "token=t1&limit=2"], [1, 2], why);
}

#[test]
fn fresh_tokens_on_empty_pages_do_not_go_on_for_ever() {
    let pages = (0..50).map(|i| page([], json!({"next": format!("t{i}")}))).collect();
    let queries: Vec<String> =
        (0..10).map(|i| if i == 0 { "limit=2".into() } else { format!("token=t{}&limit=2", i - 1) }).collect();
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    check(&token(), pages, &queries, [], "broken: 10 empty pages in a row promise more");
}

#[test]
fn a_link_is_followed_by_its_path_and_its_query() {
    let pages = [json!({"next": "?marker=a%26b&limit=2"}), json!({"next": "/users/after/3"}), json!({"next": null})]
        .into_iter();
    let pages = (1..).zip(pages).map(|(id, says)| page([id], says)).collect();
    check(&link(), pages, &["limit=2", "marker=a&b&limit=2", "/users/after/3"], 1..4, "complete");
}

#[test]
fn a_full_page_without_a_place_for_the_next_one_is_the_last_if_a_smaller_one_has_it() {
    let queries = ["limit=2", "limit=1"];
    for paging in [token(), link()] {
        check(&paging, vec![page([1, 2], json!({})), page([1], json!({"next": "t"}))], &queries, [1, 2], "complete");
        let why = "broken: 2 rows came, as many as a page has, and no answer had a place for the way to the next one; check \
                   where it is looked for";
        check(&paging, vec![page([1, 2], json!({})), page([1], json!({}))], &queries, [1, 2], why);
        // Where no size can be asked for, a page of a usual size may be full.
        let unsized_paging = Paging { size: None, ..paging };
        let why = why.replace("2 rows", "20 rows");
        check(&unsized_paging, vec![page(0..20, json!({}))], &[""], 0..20, &why);
        check(&unsized_paging, vec![page(0..20, json!({"next": null}))], &[""], 0..20, "complete");
        check(&unsized_paging, vec![page(0..21, json!({}))], &[""], 0..21, "complete");
    }
}

#[test]
fn what_comes_at_once_is_whole_unless_a_number_says_otherwise_and_doubted_unless_that_was_declared() {
    let doubt = |cursor: Cursor, page: Page| {
        let paging = Paging::at_once(cursor);
        let mut sweep = Sweep::new(&paging, RowLimit::Unknown);
        assert_eq!(sweep.take(page), Follow::Done);
        let doubt = sweep.doubt().is_some();
        (shown(sweep.finish().1), doubt)
    };
    let more = "broken: 2 of 3 rows were seen; say under `page` how the list goes on";
    for (cursor, doubted) in [(Cursor::Whole, false), (Cursor::Undeclared, true)] {
        let check = |page: Page, said: &str, doubted: bool| {
            assert_eq!(doubt(cursor.clone(), page), (said.to_owned(), doubted));
        };
        check(page(0..2, json!({"at_least": 3})), more, false);
        check(page(0..2, json!({"at_least": 2})), "complete", false);
        check(page(0..2, json!({"hint": "next"})), "complete", doubted);
        check(page(0..50, json!({})), "complete", doubted);
    }
}

#[test]
fn a_row_without_identity_makes_the_reading_worthless_as_proof_of_absence() {
    let mut only = page([1], json!({"total": 1}));
    only.rows[0].key = Err("a row has no `id`".into());
    check(&offset(), vec![only], &["offset=0&limit=2"], [1], "broken: a row has no `id`");
}

#[test]
fn of_several_reasons_the_first_counts_and_a_fault_of_the_app_outweighs_a_move() {
    let queries = ["offset=0&limit=2", "offset=2&limit=2", "offset=4&limit=2"];
    let first = || page([1, 2], json!({"total": 9}));
    let total = "moved: the total went from 9 to 4 while the list was read";
    let twice = "moved: 1 rows came twice: the list moved while it was read";
    check(&offset(), vec![first(), page([2, 3], json!({"total": 4}))], &queries[..2], [1, 2, 3], total);
    let pages = vec![first(), page([2, 3], json!({"total": 9})), page([4, 5], json!({"total": 4}))];
    check(&offset(), pages, &queries, 1..6, twice);
    let pages = vec![first(), page([2, 3], json!({"total": 9})), page([2, 3], json!({"total": 9}))];
    let why = "broken: page 3 repeats rows that came before and has no others";
    check(&offset(), pages, &queries, 1..4, why);
}
