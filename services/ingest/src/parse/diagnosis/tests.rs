//! Every fault has its words and its place; and what another reader takes for JSON has none.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

#[test]
fn faults_are_named_with_the_member_they_stand_in() {
    for (text, path, what) in [
        ("", "", "is empty"),
        (" \n", "", "is empty"),
        ("agent=nightly&status=ok", "", "is a form (name=value)"),
        (r#"{"a":NaN}"#, "a", "is NaN, which JSON does not know"),
        (r#"{"a":{"b":[0,-Infinity]}}"#, "a.b[1]", "is -Infinity, which JSON does not know"),
        (r#"{"a":undefined}"#, "a", "is undefined, which JSON writes as null"),
        (r#"{"a":True}"#, "a", "is True, which JSON writes as true"),
        (r#"{"a":None}"#, "a", "is None, which JSON writes as null"),
        (r#"{"a":'x'}"#, "a", "has a text in single quotes"),
        (r#"{'a':1}"#, "", "has a name in single quotes"),
        (r#"{a:1}"#, "", "has 'a:1}' where a name in double quotes must stand"),
        (r#"{"a":“x”}"#, "a", "has a text in typographic quotes"),
        (r#"{"a":1,}"#, "", "has a comma before '}'"),
        (r#"{"a":[1,]}"#, "a", "has a comma before ']'"),
        (r#"{"a":,"b":1}"#, "a", "has no value before ','"),
        (r#"{"a" 1}"#, "a", "has no ':' after its name"),
        (r#"{"a":1 "b":2}"#, "", "has '\"b\":2}' where ',' or '}' must stand"),
        (r#"{"a":{"b":"#, "a.b", "ends too early"),
        (r#"{"a":"x"#, "a", "ends too early"),
        (r#"{"a":"x\"#, "a", "ends too early"),
        (r#"{"a":[1"#, "a", "ends too early"),
        (r#"{"a":01}"#, "a", "is 01, which is no number in JSON"),
        (r#"{"a":.5}"#, "a", "is .5, which is no number in JSON"),
        (r#"{"a":+1}"#, "a", "is +1, which is no number in JSON"),
        (r#"{"a":1_000}"#, "a", "is 1_000, which is no number in JSON"),
        (r#"{"a":0x1F}"#, "a", "is 0x1F, which is no number in JSON"),
        (r#"{"a":yes}"#, "a", "has 'yes' where a value must stand"),
        (r#"{"a":$COUNT}"#, "a", "has '$COUNT' where a value must stand: was a variable not expanded?"),
        (r#"{"a":1} // done"#, "", "goes on after its end with '// done'"),
        ("{\"a\":1}\n{\"a\":2}", "", "goes on after its end with '{\"a\":2}'"),
        (r#"{"a": /* x */ 1}"#, "a", "has a comment"),
        ("{\"a\":\"x\ny\"}", "a", "has the control character U+000A in a string: write it as \\u000a"),
        (r#"{"a":"\q"}"#, "a", r"has the escape '\q', which JSON does not know"),
        (r#"{"a":"\u12"}"#, "a", "needs four hex digits"),
        (r#"{"a":"\ud800"}"#, "a", r"has half a surrogate pair, '\ud800'"),
        (r#"{"a":"\udc00\ud800"}"#, "a", r"has half a surrogate pair, '\udc00'"),
        (r#"{"a":1e400}"#, "", ""),
    ] {
        let found = of(text);
        let (at, said) = found.as_ref().map_or(("", ""), |found| (found.path.as_str(), found.what.as_str()));
        assert!(at == path && said.contains(what) && said.is_empty() == what.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn free_json_has_numbers_that_fit_and_each_member_once() {
    let found = of_free(r#"{"a":{"b":[1e400]}}"#).unwrap();
    assert_eq!((found.path.as_str(), found.is_repeat), ("a.b[0]", false));
    assert_eq!(found.what, "is 1e400, which is beyond a 64-bit float: send it as text");
    let found = of_free(r#"{"a":[{"b":1,"c":2,"\u0062":3}]}"#).unwrap();
    assert_eq!((found.path.as_str(), found.is_repeat), ("a[0].b", true));
    assert_eq!(of_free(r#"{"a":{"a":{"b":1}},"b":1}"#), None);
}

#[test]
fn the_place_is_counted_in_lines_and_characters() {
    let text = "{\n  \"é\": [1,\n NaN]}";
    let found = of(text).unwrap();
    assert_eq!((found.path.as_str(), found.place(text).as_str()), ("é[1]", " (line 3, column 2)"));
}

#[test]
fn depth_is_bounded() {
    let deep = "[".repeat(1_000_000);
    assert!(of(&deep).unwrap().what.contains("deeper than 127"));
}

proptest! {
    #[test]
    fn what_no_other_reader_takes_has_a_diagnosis(pieces in prop::collection::vec(prop::sample::select(&[
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "d800", "dc00", "null", "true", "-", "0", "1", ".", "e", "é", "\"a\"",
        "\"a\":", " ", "{\"a\":", "[1,", "\n",
    ][..]), 0..30)) {
        let text = pieces.concat();
        let read: Result<Value, _> = serde_json::from_str(&text);
        let found = of(&text);
        prop_assert_eq!(found.is_some(), read.is_err(), "{}: {:?}", text, found);
        prop_assert!(found.is_none_or(|found| !found.place(&text).is_empty()));
        of_free(&text);
    }
}
