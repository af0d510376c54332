//! Values and errors of small documents.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Placed, read};

fn value(text: &str) -> Value {
    read(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn wrong<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    read::<T>(text).expect_err(text).to_string()
}

/// The examples of the core schema (section 10.3.2) and their neighbours.
#[test]
fn scalars_are_those_of_the_core_schema() {
    let cases = [
        ("", json!(null)),
        ("~", json!(null)),
        ("null", json!(null)),
        ("'null'", json!("null")),
        ("true", json!(true)),
        ("TRUE", json!(true)),
        ("yes", json!("yes")),
        ("on", json!("on")),
        ("0", json!(0)),
        ("-19", json!(-19)),
        ("+12", json!(12)),
        ("010", json!(10)),
        ("0o7", json!(7)),
        ("0x3A", json!(58)),
        ("0x+3", json!("0x+3")),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("0.", json!(0.0)),
        (".5", json!(0.5)),
        ("12e03", json!(12000.0)),
        ("-2E+05", json!(-200_000.0)),
        ("1.10", json!(1.1)),
        ("1.2.3", json!("1.2.3")),
        ("1_000", json!("1_000")),
        ("inf", json!("inf")),
        ("nan", json!("nan")),
        ("-", json!([null])),
        (".", json!(".")),
        ("\"\\u00e9\\n\"", json!("é\n")),
        ("|\n a\n b\n", json!("a\nb\n")),
        (">-\n a\n b\n", json!("a b")),
        ("!!str 12", json!("12")),
        ("\u{feff}a: 1", json!({"a": 1})),
        ("a: 1\r\nb: 2\r\n", json!({"a": 1, "b": 2})),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), expected, "{text:?}");
    }
    assert!(read::<f64>(".nan").unwrap().is_nan());
    assert_eq!(read::<f64>("-.inf"), Ok(f64::NEG_INFINITY));
}

/// A field that is a text gets what was written.
#[test]
fn texts_are_as_they_are_written() {
    for text in ["1.10", "0x1F", "true", "02:30", "2026-01-01", "'1.10'"] {
        assert_eq!(read::<String>(text).unwrap(), text.trim_matches('\''));
    }
    assert_eq!(wrong::<String>("[a]"), "expected a text, found a list at line 1, column 1");
    assert_eq!(
        wrong::<BTreeMap<String, String>>("a:\n"),
        "expected a text, found nothing at line 1, column 2"
    );
}

#[test]
fn anchors_and_merge_keys() {
    assert_eq!(value("a: &x [1, 2]\nb: *x\n"), json!({"a": [1, 2], "b": [1, 2]}));
    let text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\none: {y: 9, <<: *b}\ntwo: {<<: [*b, *m]}\n\
                three: {'<<': 1}\n";
    assert_eq!(value(text)["one"], json!({"x": 1, "y": 9}));
    assert_eq!(value(text)["two"], json!({"x": 1, "y": 2, "z": 4}));
    assert_eq!(value(text)["three"], json!({"<<": 1}));
    for (text, says) in [
        ("<<: [1]", "`<<` takes keys with values, or a list of them at line 1, column 1"),
        ("a: *b", "this is not YAML: while parsing node, found unknown anchor at line 1, column 4"),
        ("a: &a [*a]", "an alias has no anchor before it at line 1, column 8"),
    ] {
        assert_eq!(wrong::<Value>(text), says, "{text}");
    }
}

/// Text that stands for far more than it is, or for more than a stack holds.
#[test]
fn bombs_are_refused() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    let mut chain = String::from("a0: &a0 [x]\n");
    for n in 1..200 {
        let before = format!("*a{}, ", n - 1).repeat(10);
        laughs += &format!("a{n}: &a{n} [{before}]\n");
        chain += &format!("a{n}: &a{n} [*a{}]\n", n - 1);
    }
    assert!(wrong::<Value>(&laughs[..400]).starts_with("this is not YAML"), "cut off");
    let few: String = laughs.lines().take(9).map(|line| format!("{line}\n")).collect();
    assert!(wrong::<Value>(&few).starts_with("aliases repeat too much here at line"));
    assert!(wrong::<Value>(&chain).starts_with("this is nested too deep at line"));
    let many: String = (0..1000).map(|n| format!("k{n}: 1, ")).collect();
    let merges = format!("a: &a {{{many}}}\nb: [{}]\n", "{<<: *a}, ".repeat(1000));
    assert!(wrong::<Value>(&merges).starts_with("aliases repeat too much here at line 2"));
    for deep in ["[".repeat(50_000), "- ".repeat(50_000), "{a: ".repeat(50_000)] {
        let said = wrong::<Value>(&deep);
        assert!(said.starts_with("this is n"), "{said}");
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its errors are looked at")]
struct Sample {
    name: String,
    #[serde(default)]
    count: Option<u8>,
    #[serde(default)]
    on: bool,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    list: Vec<Placed<u8>>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Plain,
    Sized(u8),
    Named {
        name: String,
    },
}

#[test]
fn errors_say_where() {
    for (text, says) in [
        ("nam: a", "unknown field `nam`, expected one of name, count, on, kind, list at line 1, column 1"),
        ("count: 1\non: true", "missing field `name` at line 1, column 1"),
        ("name: a\ncount: 300", "expected u8, found the number 300 at line 2, column 8"),
        ("name: a\ncount: '3'", "expected u8, found the text `3` at line 2, column 8"),
        (
            "name: a\non: yes",
            "expected `true` or `false`, without quotes, found the text `yes` at line 2, column 5",
        ),
        ("name: a\nname: b", "duplicate key `name` at line 2, column 1"),
        (
            "name: a\nkind: planar",
            "unknown variant `planar`, expected one of plain, sized, named at line 2, column 7",
        ),
        ("name: a\nkind: {sized: x}", "expected u8, found the text `x` at line 2, column 15"),
        ("name: a\nkind: {named: {nam: x}}", "missing field `name` at line 2, column 15"),
        ("name: a\nkind: sized", "`sized` needs a value at line 2, column 7"),
        (
            "name: a\nkind: [plain]",
            "expected a text, or one key with a value, found a list at line 2, column 7",
        ),
        ("name: a\nlist: [1, -2]", "expected u8, found the number -2 at line 2, column 11"),
        ("name: a\nlist: 3", "expected a list, found the number 3 at line 2, column 7"),
        ("hello", "expected keys with values, found the text `hello` at line 1, column 1"),
        ("? [a]\n: 1", "a key can only be a text here at line 1, column 3"),
        ("name: !env NAME", "the tag `!env` is not read at line 1, column 7"),
        ("name: a\n---\nname: b", "there is a second document at line 2, column 1"),
        ("name: ä [\nlist: [1", "this is not YAML: "),
    ] {
        let said = wrong::<Sample>(text);
        assert!(said.starts_with(says), "{text}\n said: {said}\n not:  {says}");
    }
}

/// What a type says itself of its value, once it has it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u8")]
struct Odd;

impl TryFrom<u8> for Odd {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        if number % 2 == 1 { Ok(Odd) } else { Err("it is even") }
    }
}

#[test]
fn what_a_type_refuses_is_where_its_value_is() {
    for (text, place) in [("2", (1, 1)), ("- 1\n- 2", (2, 3)), ("a: 1\nb: 2", (2, 4))] {
        let list = read::<Vec<Odd>>(text).map(|_| ());
        let map = read::<BTreeMap<String, Option<Odd>>>(text).map(|_| ());
        let one = read::<Odd>(text).map(|_| ());
        let said =
            [list, map, one].into_iter().filter_map(Result::err).find(|it| it.message() == "it is even");
        assert_eq!(said.and_then(|it| it.place()), Some(place), "{text}");
    }
}

#[test]
fn enums_and_places() {
    assert_eq!(read("sized: 3"), Ok(Kind::Sized(3)));
    assert_eq!(read("{named: {name: 1.0}}"), Ok(Kind::Named { name: "1.0".to_owned() }));
    assert_eq!(read("plain"), Ok(Kind::Plain));
    let list: Vec<Placed<u8>> = read("- 1\n-   2\n- &x 3\n- *x\n").unwrap();
    let places: Vec<_> = list.iter().map(|it| (it.value, it.place)).collect();
    assert_eq!(places, [(1, (1, 3)), (2, (2, 5)), (3, (3, 3)), (3, (3, 3))]);
}

proptest::proptest! {
    /// What JSON says, YAML says.
    #[test]
    fn json_is_yaml(text in "[ -~é]{0,20}", number: i64, float in -1e9..1e9_f64, flag: bool) {
        let said = json!({"text": text, "list": [number, float, flag, null], "map": {(text.as_str()): {}}});
        proptest::prop_assert_eq!(value(&said.to_string()), said);
    }

    /// No text, however broken, does anything but end in a value or an error with a place.
    #[test]
    fn no_text_breaks_it(text in "[-a:&*\\[\\]{}!|>'\"#%, \\n?<0]{0,40}") {
        if let Err(wrong) = read::<Value>(&text) {
            proptest::prop_assert!(wrong.place().is_some(), "{wrong}");
        }
    }
}
