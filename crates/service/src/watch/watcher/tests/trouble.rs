//! What goes wrong around a step.

use super::*;

#[test]
fn a_project_that_cannot_be_read_stops_no_other_and_keeps_what_is_known() {
    let (tools, hooks) = (Tools::new(), HookServer::start([]));
    let config = config(tools.folder.path(), vec![webhook(&hooks)]);
    let world = world([project("a", &["rogue1"], &["robot"]), project("b", &["1"], &["robot"])]);
    world.borrow_mut().broken.insert(name("c"), "503".into());
    let mut watcher = tools.start(&config, &world);
    let summary = watcher.step(false).unwrap();
    assert_eq!((summary.asked, summary.unread, summary.changes), (3, 1, 1));
    // What was known of `a` still counts, and `b` is judged.
    world.borrow_mut().broken.insert(name("a"), "timeout".into());
    world.borrow_mut().index.extend([project("b", &["1", "rogue2"], &["robot"])]);
    tools.stage.pass(240);
    let summary = watcher.step(false).unwrap();
    assert_eq!((summary.unread, summary.changes, summary.findings), (2, 1, 2));
    // After an hour it is said, once, for all of them.
    let mut told = 0;
    for _ in 0..40 {
        tools.stage.pass(240);
        told += watcher.step(false).unwrap().changes;
    }
    assert_eq!(told, 1 + 1, "c first, a some minutes later");
    watcher.deliver().unwrap();
    let calls = hooks.calls();
    assert_eq!(changes(&calls[2]), ["new watch-unread c"]);
    assert_eq!(changes(&calls[3]), ["altered watch-unread a"]);
    // It comes back: nothing was gone in between.
    world.borrow_mut().broken.clear();
    world.borrow_mut().index.extend([project("c", &["1"], &["robot"])]);
    tools.stage.pass(3600);
    let back = watcher.step(false).unwrap();
    assert_eq!((back.changes, back.findings), (1, 2));
    watcher.deliver().unwrap();
    assert_eq!(changes(&hooks.calls()[4]), ["gone watch-unread a"]);
}

#[test]
fn a_page_that_changed_asks_for_the_roles_at_once() {
    let tools = Tools::new();
    let config = config(tools.folder.path(), vec![feed(tools.folder.path())]);
    let world = world([project("a", &["1"], &["robot"]), project("b", &["1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    watcher.step(false).unwrap();
    tools.stage.pass(240);
    world.borrow_mut().asked.clear();
    world.borrow_mut().index.extend([project("a", &["1", "2"], &["mallory"])]);
    let summary = watcher.step(false).unwrap();
    let asked = |it: &str, roles: bool| (it.to_owned(), roles);
    assert_eq!(world.borrow().asked, [asked("a", false), asked("b", false), asked("a", true)]);
    assert_eq!(summary.changes, 2, "the role change and the absent robot");
    // Roles that cannot be had hide no upload.
    world.borrow_mut().roles_broken = true;
    world.borrow_mut().index.extend([project("b", &["1", "rogue2"], &["robot"])]);
    tools.stage.pass(240);
    let summary = watcher.step(false).unwrap();
    assert_eq!((summary.changes, summary.unread), (1, 1));
}

#[test]
fn records_that_cannot_be_read_lose_nothing_and_are_told_when_it_lasts() {
    let (tools, hooks) = (Tools::new(), HookServer::start([]));
    let config = config(tools.folder.path(), vec![webhook(&hooks)]);
    let world = world([project("a", &["rogue1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    watcher.step(false).unwrap();
    watcher.deliver().unwrap();
    world.borrow_mut().records_error = Some("federation.toml:3:1: no".into());
    world.borrow_mut().index.extend([project("a", &["rogue1", "rogue2"], &["robot"])]);
    for minutes in [0, 30, 29] {
        tools.stage.pass(minutes * 60);
        let summary = watcher.step(false).unwrap();
        assert_eq!((summary.changes, summary.findings), (0, 1));
        assert!(summary.error.unwrap().message.contains("no"));
    }
    drop(watcher);
    let mut watcher = tools.start(&config, &world);
    tools.stage.pass(60);
    assert_eq!(watcher.step(false).unwrap().changes, 1);
    tools.stage.pass(600);
    assert_eq!(watcher.step(false).unwrap().changes, 0);
    world.borrow_mut().records_error = None;
    assert_eq!(watcher.step(false).unwrap().changes, 2);
    watcher.deliver().unwrap();
    let calls = hooks.calls();
    assert_eq!(changes(&calls[1]), ["new watch-failing -"]);
    assert_eq!(changes(&calls[2]), ["new rogue-release a", "gone watch-failing -"]);
}

#[test]
fn a_file_is_looked_into_once() {
    let tools = Tools::new();
    let config = config(tools.folder.path(), vec![feed(tools.folder.path())]);
    let world = world([project("a", &["1"], &["robot"]), project("b", &["1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    watcher.step(false).unwrap();
    world.borrow_mut().index.extend([project("a", &["1", "2"], &["robot"])]);
    for _ in 0..20 {
        tools.stage.pass(240);
        watcher.step(false).unwrap();
    }
    drop(watcher);
    // Another process remembers it.
    tools.start(&config, &world).step(true).unwrap();
    let inspected = world.borrow().inspected.clone();
    assert_eq!(inspected, ["a-1.tar.gz", "b-1.tar.gz", "a-2.tar.gz"]);
}

#[test]
fn records_that_can_be_read_in_part_are_told() {
    let (tools, hooks) = (Tools::new(), HookServer::start([]));
    let config = config(tools.folder.path(), vec![webhook(&hooks)]);
    let world = world([project("a", &["1"], &["robot"])]);
    world.borrow_mut().broken.insert(name("never-read"), "503".into());
    let mut watcher = tools.start(&config, &world);
    let mut step = |problems: &[&'static str]| {
        world.borrow_mut().problems = problems.to_vec();
        tools.stage.pass(240);
        watcher.step(true).unwrap().changes
    };
    let changed = [step(&["a.yaml"]), step(&["a.yaml"]), step(&["b.yaml", "a.yaml"]), step(&[])];
    assert_eq!(changed, [1, 0, 1, 1]);
    watcher.deliver().unwrap();
    let told: Vec<String> = hooks.calls().iter().flat_map(changes).collect();
    assert_eq!(told, ["new watch-records -", "altered watch-records -", "gone watch-records -"]);
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let (tools, hooks) = (Tools::new(), HookServer::start([hook::Manner::Drop]));
    let config = config(tools.folder.path(), vec![webhook(&hooks)]);
    let world = world([project("a", &["rogue1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    watcher.step(false).unwrap();
    assert_eq!(watcher.deliver().unwrap().failed.len(), 1);
    tools.stage.pass(-86_400 * 365);
    assert_eq!(watcher.step(false).unwrap().asked, 1);
    assert_eq!(watcher.deliver().unwrap().delivered, 1);
    assert_eq!(watcher.step(false).unwrap().asked, 0);
}

#[test]
fn a_state_that_cannot_be_written_changes_nothing() {
    let (tools, hooks) = (Tools::new(), HookServer::start([]));
    let config = config(tools.folder.path(), vec![webhook(&hooks)]);
    let world = world([project("a", &["1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    watcher.step(false).unwrap();
    world.borrow_mut().index.extend([project("a", &["rogue1"], &["robot"])]);
    watcher.state.refuse_writes(true);
    let error = watcher.step(true).unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
    assert!(watcher.findings.is_empty());
    watcher.state.refuse_writes(false);
    assert_eq!(watcher.step(true).unwrap().changes, 1);
}
