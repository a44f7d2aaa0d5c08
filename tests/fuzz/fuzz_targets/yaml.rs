#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| rosterd_fuzz::yaml(text));
