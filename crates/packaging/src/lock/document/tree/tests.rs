use super::*;

/// A tree as one line, each scalar with what stands at its place.
fn show(source: &Source, node: &Node<'_>) -> String {
    let at = &source.text()[node.span.clone()];
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Bare(text) => format!("{text}<{at}>"),
        Value::Text(text) => format!("{text:?}<{at}>"),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| show(source, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(entries) => {
            let entry = |entry: &Entry<'_>| {
                let key = &source.text()[entry.key_span.clone()];
                format!("{}<{key}>: {}", entry.key, show(source, &entry.node))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

fn check(syntax: Syntax, text: &str, expect: &str) {
    let source = Source::new("f", text.to_owned());
    let node = parse(&source, syntax).unwrap_or_else(|errors| panic!("{text:?}: {errors:?}"));
    assert_eq!(show(&source, &node), expect, "{text:?}");
}

fn refused(syntax: Syntax, text: &str, expect: &[&str]) {
    let source = Source::new("f", text.to_owned());
    let errors = parse(&source, syntax).expect_err(text);
    let found: Vec<String> =
        errors.iter().map(|e| format!("{} {}:{}", e.code, e.place.line, e.place.column)).collect();
    assert_eq!(found, expect, "{text:?}: {errors:?}");
}

#[test]
fn toml_keeps_order_and_places() {
    check(
        Syntax::Toml,
        "b = 1_0\na = ['x', \"y\\n\"]\n[t]\nd = 2024-01-02T03:04:05Z\nf = 1.50\n",
        "{b<b>: 10<1_0>, a<a>: [\"x\"<'x'>, \"y\\n\"<\"y\\n\">], t<t>: \
         {d<d>: 2024-01-02T03:04:05Z<2024-01-02T03:04:05Z>, f<f>: 1.50<1.50>}}",
    );
    refused(Syntax::Toml, "a = 1\na = 2\n", &["syntax 2:1"]);
    refused(Syntax::Toml, "a = [1\n", &["syntax 1:7"]);
    refused(Syntax::Toml, "a = \"x\nb = 1\nc = \n", &["syntax 1:7", "syntax 3:5"]);
    let deep = format!("a = {}{}", "[".repeat(33), "]".repeat(33));
    refused(Syntax::Toml, &deep, &["too-large 1:37"]);
}

#[test]
fn json_keeps_order_and_places() {
    check(
        Syntax::Json,
        "{\"b\": 1.50, \"a\\u0062\": [\"x\\n\", null, true]}",
        "{b<b>: 1.50<1.50>, ab<[\"x\\n\", null, true]>: [\"x\\n\"<\"x\\n\">, null, true]}",
    );
    refused(Syntax::Json, "{\"a\": 1,\n \"a\": 2}", &["syntax 2:3"]);
    refused(Syntax::Json, "{\"a\": 1,\n \"é\": \"x\", b}", &["syntax 2:12"]);
    refused(Syntax::Json, "{\"a\": 1", &["syntax 1:7"]);
    refused(Syntax::Json, "{} x", &["syntax 1:4"]);
    refused(Syntax::Json, "{\"a\": \"\\ud800\"}", &["syntax 1:7"]);
    refused(Syntax::Json, "", &["syntax 1:1"]);
    let deep = format!("{}{}", "[".repeat(18), "]".repeat(18));
    refused(Syntax::Json, &deep, &["too-large 1:18"]);
    // What is not borrowed has no place of its own, and nothing overflows on the way.
    refused(Syntax::Json, &"[".repeat(100_000), &["syntax 1:100000"]);
}

#[test]
fn yaml_keeps_order_and_places() {
    check(
        Syntax::Yaml,
        "b: 1.10\na:\n- x: 'y z'\n- ~\n- true\n",
        "{b<b>: 1.10<1.10>, a<a>: [{x<x>: \"y z\"<'y z'>}, null, true]}",
    );
    check(Syntax::Yaml, "é: 1.10\nb: 2\n", "{é<é>: 1.10<1.10>, b<b>: 2<2>}");
    refused(Syntax::Yaml, "a: 1\na: 2\n", &["syntax 2:1"]);
    refused(Syntax::Yaml, "a: [1\n", &["syntax 1:4"]);
}
