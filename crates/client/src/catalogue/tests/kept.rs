//! What is kept for the next run.

use super::*;

fn at(minutes: i64) -> CatalogueOptions {
    let now = options().now + jiff::SignedDuration::from_mins(minutes);
    CatalogueOptions { now, ..options() }
}

/// Asks for everything as a new run; gives the requests that it took.
fn run(server: &IndexServer, folder: &Path, options: CatalogueOptions) -> Vec<String> {
    server.forget_requests();
    let catalogue = catalogue(sources(&[("it", server)]), Some(folder), options);
    assert_eq!(requires(&catalogue, "x").unwrap(), ["six>=1"]);
    assert!(matches!(catalogue.releases(&project("z")), Err(CatalogueError::Absent { .. })));
    drop(catalogue);
    server.request_lines()
}

fn server() -> IndexServer {
    let file = served("x", "1.0").with_metadata(metadata("x", "1.0"));
    IndexServer::start(Scenario::new().file("x", file).with_etags())
}

const X: &str = "GET /simple/x/";
const Z: &str = "GET /simple/z/";
const BESIDE: &str = "GET /files/x-1.0-py3-none-any.whl.metadata";

#[test]
fn a_fresh_page_is_not_asked_for_and_an_old_one_with_its_validators() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let run = |options| run(&server, folder.path(), options);
    assert_eq!(run(at(0)), [X, BESIDE, Z]);
    assert_eq!(run(at(0)), Vec::<String>::new());
    assert_eq!(run(at(10)), Vec::<String>::new());
    // Metadata holds for ever; the page is asked for, and is the same.
    assert_eq!(run(at(11)), [X, Z]);
    let asked = server.requests();
    assert!(asked[0].header("if-none-match").is_some());
    // That it is the same counts from then on.
    assert_eq!(run(at(20)), Vec::<String>::new());
    // A time before is a clock that was set back: nothing is known.
    assert_eq!(run(at(-5)), [X, Z]);
    let refresh = CatalogueOptions { refresh: true, ..at(-5) };
    assert_eq!(run(refresh), [X, Z]);
    let offline = CatalogueOptions { offline: true, ..at(60 * 24 * 365) };
    assert_eq!(run(offline), Vec::<String>::new());
}

#[test]
fn a_change_is_seen_and_nothing_is_asked_offline() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    run(&server, folder.path(), at(0));
    server.change(|scenario| scenario.file("x", served("x", "2.0")));
    let again = |options| {
        let catalogue = catalogue(sources(&[("it", &server)]), Some(folder.path()), options);
        names(&catalogue.releases(&project("x")).unwrap())
    };
    let old = ["x-1.0-py3-none-any.whl"];
    let new = ["x-1.0-py3-none-any.whl", "x-2.0-py3-none-any.whl"];
    assert_eq!(again(at(5)), old);
    assert_eq!(again(at(15)), new);
    assert_eq!(again(CatalogueOptions { offline: true, ..at(0) }), new);
    server.forget_requests();
    let offline = CatalogueOptions { offline: true, ..at(0) };
    let catalogue = catalogue(sources(&[("it", &server)]), Some(folder.path()), offline);
    let (code, class, _) = unavailable(catalogue.releases(&project("y")));
    assert_eq!((code, class), ("offline", Class::Unavailable));
    let (version, file) = only_file(&catalogue, "x");
    let answer = catalogue.requires(&project("x"), &version, &file);
    assert_eq!(unavailable(answer).0, "offline");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn what_is_damaged_is_asked_for_again() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    run(&server, folder.path(), at(0));
    let files: Vec<_> =
        cache::kept_files(&folder.path().join("catalogue")).into_iter().map(|it| it.2).collect();
    assert_eq!(files.len(), 3);
    for path in files {
        let good = std::fs::read(&path).unwrap();
        let positions = (0..good.len()).step_by(23).chain([good.len() - 1]);
        for position in positions {
            let mut bad = good.clone();
            bad[position] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            // Whatever it is now, the answers are the same.
            run(&server, folder.path(), at(0));
            std::fs::write(&path, &good[..position]).unwrap();
            run(&server, folder.path(), at(0));
        }
        std::fs::write(&path, &good).unwrap();
    }
    assert_eq!(run(&server, folder.path(), at(0)), Vec::<String>::new());
}

#[test]
fn what_others_may_write_is_not_believed() {
    use crate::system::unix::fs::PermissionsExt as _;
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    run(&server, folder.path(), at(0));
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (_, _, path) in cache::kept_files(&folder.path().join("catalogue")) {
        open(&path, 0o666);
    }
    assert_eq!(run(&server, folder.path(), at(0)), [X, BESIDE, Z]);
    for path in [folder.path().join("catalogue"), folder.path().to_owned()] {
        open(&path, 0o777);
        assert_eq!(run(&server, folder.path(), at(0)), [X, BESIDE, Z]);
        open(&path, 0o700);
    }
    assert_eq!(run(&server, folder.path(), at(0)), Vec::<String>::new());
}

#[test]
fn a_page_with_a_password_is_not_kept() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let url = server.file_url("x-1.0-py3-none-any.whl").replace("//", "//user:secret@");
    let file = served("x", "1.0").advertise(|said| said.url = Some(url.clone()));
    server.change(|_| Scenario::new().file("x", file.with_metadata(metadata("x", "1.0"))));
    run(&server, folder.path(), at(0));
    assert_eq!(run(&server, folder.path(), at(0)), [X]);
    for (_, _, path) in cache::kept_files(&folder.path().join("catalogue")) {
        assert!(!std::fs::read_to_string(path).unwrap().contains("secret"));
    }
}

#[test]
fn a_replaced_file_is_asked_again_what_it_says() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    run(&server, folder.path(), at(0));
    let said = metadata("x", "1.0").replace("six>=1", "seven");
    let file = ServedFile::honest("x-1.0-py3-none-any.whl", "other").with_metadata(said);
    server.change(|_| Scenario::new().file("x", file));
    let catalogue = catalogue(sources(&[("it", &server)]), Some(folder.path()), at(11));
    assert_eq!(requires(&catalogue, "x").unwrap(), ["seven"]);
}

#[test]
fn what_is_kept_is_counted_and_can_go() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    assert_eq!(cache_size(&folder.path().join("nothing")), CacheSize::default());
    run(&server, folder.path(), at(0));
    let size = cache_size(folder.path());
    assert!(size.files == 3 && size.bytes > 300, "{size:?}");
    assert_eq!(prune_cache(folder.path(), None), CacheSize::default());
    let removed = prune_cache(folder.path(), Some(size.bytes - 1));
    assert_eq!(removed.files, 1);
    assert_eq!(cache_size(folder.path()).files, 2);
    assert_eq!(prune_cache(folder.path(), Some(0)).files, 2);
    assert_eq!(run(&server, folder.path(), at(0)), [X, BESIDE, Z]);
}
