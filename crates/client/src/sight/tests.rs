//! An honest index, a lying one, none; what is remembered, and what is not believed.

use std::fs;
use std::sync::Mutex;

use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use countermark_packaging::filename::DistributionFilename;
use countermark_testkit::index::{Behaviour, IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::{Archive, Member, Wheel};
use sha2::Digest as _;

use super::*;
use crate::http::{Options, Proxies};
use crate::report::{Note, Silent};

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

fn project(name: &str) -> ProjectName {
    ProjectName::parse(name).unwrap()
}

fn wheel(name: &str) -> (String, Vec<u8>) {
    let wheel = Wheel::new(name, "1.0").file(&format!("{name}/__init__.py"), name.as_bytes());
    (wheel.filename(), wheel.build())
}

/// One user with a store.
struct User {
    folder: tempfile::TempDir,
    offline: bool,
}

impl User {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), offline: false }
    }

    fn store(&self) -> Arc<Store> {
        let (cache, state) = (self.folder.path().join("cache"), self.folder.path().join("state"));
        Arc::new(Store::open(&cache, &state).unwrap())
    }

    fn memory(&self) -> std::path::PathBuf {
        self.folder.path().join("state/sight")
    }

    fn look(&self, files: &[(&str, &ReleaseFile, Depth)]) -> Sight {
        self.look_as(files, &Silent, &AtomicBool::new(false))
    }

    fn look_as(
        &self,
        files: &[(&str, &ReleaseFile, Depth)],
        reporter: &dyn Reporter,
        interrupted: &AtomicBool,
    ) -> Sight {
        let store = self.store();
        let options =
            Options { proxies: Proxies::Off, offline: self.offline, ..Options::default() };
        let http = Client::new(options, Arc::default());
        let context =
            Context { store: &store, http: &http, reporter, interrupted, offline: self.offline };
        let projects: Vec<ProjectName> = files.iter().map(|(name, ..)| project(name)).collect();
        let sought: Vec<Sought<'_>> = files
            .iter()
            .zip(&projects)
            .map(|((_, file, depth), project)| Sought { project, file, depth: *depth })
            .collect();
        look(context, &sought)
    }
}

fn listed(
    server: &IndexServer,
    filename: &str,
    digests: &[Digest],
    size: Option<u64>,
) -> ReleaseFile {
    ReleaseFile {
        filename: DistributionFilename::parse(filename).unwrap(),
        url: server.file_url(filename),
        digests: digests.to_vec(),
        size,
        requires_python: None,
        yanked: None,
        uploaded: None,
        metadata: None,
    }
}

/// As an honest index lists it.
fn honest(server: &IndexServer, filename: &str, bytes: &[u8]) -> ReleaseFile {
    listed(server, filename, &[sha256(bytes).into()], Some(bytes.len() as u64))
}

fn serve(files: &[(&str, &str, &[u8])]) -> IndexServer {
    let scenario = files.iter().fold(Scenario::new(), |scenario, (project, filename, bytes)| {
        scenario.file(project, ServedFile::honest(filename, *bytes))
    });
    IndexServer::start(scenario)
}

fn codes(sight: &Sight) -> Vec<(&'static str, Class)> {
    sight.problems.iter().map(|problem| (problem.code, problem.class)).collect()
}

#[test]
fn digests_are_those_of_the_bytes_that_came() {
    let (name, bytes) = wheel("a");
    let sdist = b"a source distribution";
    let server = serve(&[("a", &name, &bytes), ("b", "b-2.tar.gz", sdist)]);
    let (a, b) = (honest(&server, &name, &bytes), honest(&server, "b-2.tar.gz", sdist));
    let user = User::new();
    let files = [("b", &b, Depth::Keep), ("a", &a, Depth::Keep), ("b", &b, Depth::Bytes)];
    let sight = user.look(&files);
    assert_eq!(codes(&sight), []);
    assert_eq!(sight.downloaded, (bytes.len() + sdist.len()) as u64);
    let [first, second] = &sight.seen[..] else { panic!("each file once") };
    assert_eq!((first.file.sha256, first.file.tree), (sha256(sdist), None));
    assert_eq!(second.file.sha256, sha256(&bytes));
    assert_eq!(second.file.size, bytes.len() as u64);
    assert_eq!(second.file.url.as_deref(), Some(server.file_url(&name).as_str()));
    assert!(second.file.tree.is_some());
    assert!(user.store().archive(sha256(&bytes)).is_some(), "installing needs no network");

    // The digest of the tree does not depend on whether it was written.
    let other = User::new();
    let tree = other.look(&[("a", &a, Depth::Tree)]);
    assert_eq!(tree.seen[0].file.tree, second.file.tree);
    assert!(other.store().archive(sha256(&bytes)).is_none());
    let bytes_only = User::new().look(&[("a", &a, Depth::Bytes)]);
    assert_eq!(bytes_only.seen[0].file.tree, None);
    assert_eq!(bytes_only.seen[0].file.sha256, sha256(&bytes));
}

#[test]
fn metadata_beside_a_wheel_is_that_of_the_wheel() {
    let (name, bytes) = wheel("a");
    let server = serve(&[("a", &name, &bytes)]);
    let own = crate::inside::read_listed_metadata(&bytes, &name).unwrap();
    let with = |metadata: &[u8]| ReleaseFile {
        metadata: Some(vec![sha256(metadata).into()]),
        ..honest(&server, &name, &bytes)
    };
    for depth in [Depth::Bytes, Depth::Tree, Depth::Keep] {
        assert_eq!(codes(&User::new().look(&[("a", &with(&own), depth)])), []);
        // One that hides what the wheel requires.
        let sight = User::new().look(&[("a", &with(b"Name: a\nVersion: 1.0\n"), depth)]);
        assert_eq!(codes(&sight), [("false-claim", Class::Rejected)]);
        assert!(sight.seen.is_empty());
        assert!(sight.problems[0].message.contains("other metadata"));
    }
}

#[test]
fn what_was_hashed_is_remembered_and_needs_no_network() {
    let (name, bytes) = wheel("a");
    let sdist = b"a source distribution";
    let server = serve(&[("a", &name, &bytes), ("b", "b-2.tar.gz", sdist)]);
    let (a, b) = (honest(&server, &name, &bytes), honest(&server, "b-2.tar.gz", sdist));
    let mut user = User::new();
    let files = [("a", &a, Depth::Keep), ("b", &b, Depth::Bytes)];
    let first = user.look(&files);
    server.forget_requests();
    user.offline = true;
    let second = user.look(&files);
    assert_eq!(server.request_lines(), Vec::<String>::new());
    assert_eq!(second.downloaded, 0);
    assert!(second.seen.iter().all(|seen| seen.how == How::Remembered));
    let pins = |sight: &Sight| sight.seen.iter().map(|it| it.file.clone()).collect::<Vec<_>>();
    assert_eq!(pins(&first), pins(&second));

    // Another claim, another size, another address, another name: nothing is remembered of it.
    let other = Digest::from(sha256(b"other"));
    let changed = [
        ReleaseFile { digests: vec![other], ..b.clone() },
        ReleaseFile { size: Some(1), ..b.clone() },
        ReleaseFile { url: b.url.replace("/files/", "/elsewhere/"), ..b.clone() },
        ReleaseFile { filename: DistributionFilename::parse("b-3.tar.gz").unwrap(), ..b.clone() },
        ReleaseFile { digests: Vec::new(), ..b.clone() },
    ];
    for file in &changed {
        let sight = user.look(&[("b", file, Depth::Bytes)]);
        assert_eq!(codes(&sight), [("offline", Class::Unavailable)], "{file:?}");
    }
    // Neither who asks nor a right to read is part of the name.
    let signed = b.url.replace("http://", "http://me:secret@") + "?X-Signature=1#sha256=2";
    let sight = user.look(&[("b", &ReleaseFile { url: signed, ..b.clone() }, Depth::Bytes)]);
    assert_eq!(sight.seen[0].how, How::Remembered);
    assert_eq!(sight.seen[0].file.url.as_deref(), Some(b.url.as_str()));
}

#[test]
fn a_file_without_a_strong_claim_is_downloaded_every_time() {
    let server = serve(&[("b", "b-2.tar.gz", b"one")]);
    let md5 = Digest::parse_hex(Algorithm::Md5, "f97c5d29941bfb1b2fdab0874906ab82").unwrap();
    let user = User::new();
    for claims in [vec![], vec![md5]] {
        let file = listed(&server, "b-2.tar.gz", &claims, None);
        for _ in 0..2 {
            let sight = user.look(&[("b", &file, Depth::Bytes)]);
            assert_eq!(sight.seen[0].how, How::Downloaded);
            assert_eq!(sight.seen[0].file.sha256, sha256(b"one"));
        }
    }
}

#[test]
fn a_lie_of_the_index_is_shown_with_both_digests_and_gives_none() {
    let bytes = b"what comes";
    let server = serve(&[("b", "b-2.tar.gz", bytes)]);
    let right = Digest::from(sha256(bytes));
    let wrong = Digest::from(sha256(b"what is claimed"));
    let digest =
        |algorithm: Algorithm| Digest::new(algorithm, &vec![7; algorithm.byte_len()]).unwrap();
    let user = User::new();
    let check = |claims: &[Digest], size: Option<u64>, expect: &[String]| {
        let file = listed(&server, "b-2.tar.gz", claims, size);
        let sight = user.look(&[("b", &file, Depth::Bytes)]);
        assert_eq!(sight.seen, []);
        assert_eq!(codes(&sight), [("false-claim", Class::Rejected)]);
        for text in expect {
            let details = &sight.problems[0].details;
            assert!(details.iter().any(|line| line.contains(text.as_str())), "{text}: {details:?}");
        }
        assert!(!user.memory().exists(), "a refuted claim is not remembered");
    };
    check(
        std::slice::from_ref(&wrong),
        None,
        &[format!("claimed {wrong}"), format!("found   {right} (http")],
    );
    check(&[right.clone(), wrong.clone()], None, &[format!("claimed {wrong}")]);
    check(&[right.clone(), digest(Algorithm::Sha512)], None, &["claimed sha512:0707".into()]);
    check(&[digest(Algorithm::Md5)], None, &["claimed md5:0707".into()]);
    check(&[right], Some(11), &["claimed 11 bytes".into(), "found   10 bytes".into()]);
}

#[test]
fn a_claim_of_bytes_that_the_store_has_is_only_believed_of_the_same_file() {
    let (name, bytes) = wheel("a");
    let (evil_name, evil) = wheel("evil");
    let server = serve(&[("a", &name, &bytes), ("evil", &evil_name, &evil)]);
    let a = honest(&server, &name, &bytes);
    let user = User::new();
    user.look(&[("a", &a, Depth::Keep)]);
    fs::remove_file(user.memory()).unwrap();
    server.forget_requests();
    let sight = user.look(&[("a", &a, Depth::Keep)]);
    assert_eq!((sight.seen[0].how, sight.downloaded), (How::Stored, 0));
    assert_eq!(server.request_lines(), Vec::<String>::new());
    // Another file that claims those bytes is looked at itself, and so is another size.
    let liar = listed(&server, &evil_name, &[sha256(&bytes).into()], None);
    let sight = user.look(&[("evil", &liar, Depth::Keep)]);
    assert_eq!(codes(&sight), [("false-claim", Class::Rejected)]);
    let liar = listed(&server, &name, &[sha256(&bytes).into()], Some(1));
    let sight = user.look(&[("a", &liar, Depth::Keep)]);
    assert_eq!(codes(&sight), [("false-claim", Class::Rejected)]);
}

#[test]
fn an_altered_store_is_not_believed() {
    let (name, bytes) = wheel("a");
    let server = serve(&[("a", &name, &bytes)]);
    let a = honest(&server, &name, &bytes);
    let user = User::new();
    let tree = user.look(&[("a", &a, Depth::Keep)]).seen[0].file.tree;
    fs::remove_file(user.memory()).unwrap();
    let folder = user.store().folder(sha256(&bytes));
    fs::write(folder.join("tree"), "countermark-tree 1\n").unwrap();
    let sight = user.look(&[("a", &a, Depth::Keep)]);
    assert_eq!(sight.seen[0].file.tree, tree, "made again from the archive");
    // A folder with the right name that nobody vouches for.
    fs::remove_file(user.memory()).unwrap();
    user.store().remove(sha256(&bytes)).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("tree"), "countermark-tree 1\n").unwrap();
    fs::write(folder.join(&name), b"other bytes").unwrap();
    let sight = user.look(&[("a", &a, Depth::Keep)]);
    assert_eq!((sight.seen[0].how, sight.seen[0].file.tree), (How::Downloaded, tree));
}

#[test]
fn a_file_of_the_right_name_that_waits_in_a_temporary_folder_is_ignored() {
    let (name, bytes) = wheel("a");
    let server = serve(&[("a", &name, &bytes)]);
    let a = honest(&server, &name, &bytes);
    let user = User::new();
    let root = user.store().root().to_owned();
    for place in [root.clone(), user.folder.path().join("state"), root.join(".tmp-")] {
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(&name), b"planted").unwrap();
    }
    let sight = user.look(&[("a", &a, Depth::Keep)]);
    assert_eq!(codes(&sight), []);
    assert_eq!(sight.seen[0].file.sha256, sha256(&bytes));
    assert_eq!(fs::read(root.join(&name)).unwrap(), b"planted", "nobody wrote through it");
}

#[test]
fn a_wheel_that_could_not_be_installed_is_no_pin() {
    let evil = Archive {
        members: vec![Member::file("../../evil.py", b"x")],
        ..Wheel::new("evil", "1.0").archive()
    };
    let name = "evil-1.0-py3-none-any.whl";
    for (bytes, depths) in [
        (evil.write(), vec![Depth::Bytes, Depth::Tree, Depth::Keep]),
        (b"no archive".to_vec(), vec![Depth::Bytes, Depth::Keep]),
    ] {
        let server = serve(&[("evil", name, &bytes)]);
        let file = honest(&server, name, &bytes);
        for depth in depths {
            let user = User::new();
            let sight = user.look(&[("evil", &file, depth)]);
            assert_eq!(sight.seen, [], "{depth:?}");
            assert_eq!(sight.problems.len(), 1);
            assert_eq!(sight.problems[0].class, Class::Rejected);
            assert!(!user.memory().exists());
        }
    }
}

#[test]
fn one_file_that_fails_does_not_hide_another_and_what_came_is_remembered() {
    let (name, bytes) = wheel("a");
    let server = serve(&[("a", &name, &bytes), ("b", "b-2.tar.gz", b"b")]);
    server.change(|scenario| {
        scenario.on("/files/b-2.tar.gz", Behaviour::Status { code: 404, retry_after: None })
    });
    let (a, b) = (honest(&server, &name, &bytes), honest(&server, "b-2.tar.gz", b"b"));
    let lie = listed(&server, "c-3.tar.gz", &[sha256(b"c").into()], None);
    server.change(|scenario| scenario.file("c", ServedFile::honest("c-3.tar.gz", *b"d")));
    let user = User::new();
    let files = [("c", &lie, Depth::Keep), ("b", &b, Depth::Keep), ("a", &a, Depth::Keep)];
    let sight = user.look(&files);
    let expect = [("false-claim", Class::Rejected), ("http-status", Class::Unavailable)];
    assert_eq!(codes(&sight), expect);
    assert_eq!(sight.seen.len(), 1);
    assert_eq!(user.look(&[("a", &a, Depth::Keep)]).seen[0].how, How::Remembered);
}

#[test]
fn a_damaged_memory_is_none() {
    let (name, bytes) = wheel("a");
    let server = serve(&[("a", &name, &bytes)]);
    let a = honest(&server, &name, &bytes);
    let user = User::new();
    user.look(&[("a", &a, Depth::Bytes)]);
    let good = fs::read(user.memory()).unwrap();
    let how = || {
        let sight = user.look(&[("a", &a, Depth::Bytes)]);
        (sight.seen[0].how, sight.seen[0].file.sha256)
    };
    assert_eq!(how(), (How::Remembered, sha256(&bytes)));
    for position in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[position] ^= 1;
        fs::write(user.memory(), &bad).unwrap();
        assert_eq!(how(), (How::Downloaded, sha256(&bytes)), "byte {position}");
        fs::write(user.memory(), &good[..position]).unwrap();
        assert_eq!(how(), (How::Downloaded, sha256(&bytes)), "cut at {position}");
    }
    let text = String::from_utf8(good).unwrap();
    assert!(!text.contains("http") && !text.contains("a-1.0"), "it names nothing: {text}");
}

#[test]
fn somebody_elses_memory_is_not_read() {
    use crate::system::unix::fs::PermissionsExt as _;
    let (name, bytes) = wheel("a");
    let server = serve(&[("a", &name, &bytes)]);
    let a = honest(&server, &name, &bytes);
    let user = User::new();
    user.look(&[("a", &a, Depth::Bytes)]);
    let state = user.folder.path().join("state");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(user.look(&[("a", &a, Depth::Bytes)]).seen[0].how, How::Downloaded);
}

#[test]
fn runs_at_the_same_time_lose_nothing_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let key = |number: u32| {
        let file = ReleaseFile {
            filename: DistributionFilename::parse("b-2.tar.gz").unwrap(),
            url: format!("https://example.org/{number}"),
            digests: vec![sha256(b"x").into()],
            size: None,
            requires_python: None,
            yanked: None,
            uploaded: None,
            metadata: None,
        };
        Key::of(&file).unwrap()
    };
    let known = Remembered { sha256: sha256(b"x"), size: 1, tree: None };
    std::thread::scope(|scope| {
        for number in 0..16 {
            let path = folder.path();
            scope.spawn(move || memory::remember(path, &[(key(number), known)]).unwrap());
        }
    });
    let keys: BTreeSet<Key> = (0..17).map(key).collect();
    let memory = Memory::read(folder.path(), &keys);
    let found: Vec<bool> = (0..17).map(|number| memory.get(key(number)).is_some()).collect();
    assert_eq!(found, [[true; 16].as_slice(), &[false]].concat());

    // It is bounded, and the oldest go.
    let many: Vec<_> = (100..20_090).map(|number| (key(number), known)).collect();
    memory::remember(folder.path(), &many).unwrap();
    let keys: BTreeSet<Key> = (0..20_090).map(key).collect();
    let memory = Memory::read(folder.path(), &keys);
    assert_eq!(keys.iter().filter(|key| memory.get(**key).is_some()).count(), 20_000);
    assert!(many.iter().all(|(key, _)| memory.get(*key).is_some()));
}

#[test]
fn who_said_stop_does_not_wait() {
    let (name, bytes) = wheel("a");
    let server = serve(&[("a", &name, &bytes)]);
    let a = honest(&server, &name, &bytes);
    let user = User::new();
    let sight = user.look_as(&[("a", &a, Depth::Keep)], &Silent, &AtomicBool::new(true));
    assert_eq!(codes(&sight), [("interrupted", Class::Unavailable)]);
    assert_eq!(sight.seen, []);
}

#[derive(Default)]
struct Told(Mutex<Vec<(usize, Option<u64>)>>);

impl Reporter for Told {
    fn note(&self, _: Note) {}
    fn progress(&self, progress: Progress<'_>) {
        if let Progress::Downloading { files, bytes } = progress {
            self.0.lock().unwrap().push((files, bytes));
        }
    }
}

#[test]
fn how_much_will_come_is_said_before_and_the_largest_comes_first() {
    let files: Vec<(String, Vec<u8>)> =
        (0..12).map(|n| (format!("b-{n}.tar.gz"), vec![1; 1000 * (n + 1)])).collect();
    let served: Vec<_> = files.iter().map(|(name, it)| ("b", name.as_str(), &it[..])).collect();
    let server = serve(&served);
    let listed: Vec<_> = files.iter().map(|(name, it)| honest(&server, name, it)).collect();
    let sought: Vec<_> = listed.iter().map(|file| ("b", file, Depth::Bytes)).collect();
    let told = Told::default();
    let sight = User::new().look_as(&sought, &told, &AtomicBool::new(false));
    assert_eq!(sight.downloaded, 78_000);
    assert_eq!(*told.0.lock().unwrap(), [(12, Some(78_000))]);
    let seen: Vec<_> = sight.seen.iter().map(|seen| seen.file.filename.as_str()).collect();
    assert_eq!(seen, files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    let asked = server.request_lines();
    let place = |name: &str| asked.iter().position(|line| line.contains(name)).unwrap();
    assert!(place("b-11.tar.gz") < AT_ONCE && place("b-0.tar.gz") >= AT_ONCE - 4, "{asked:?}");
}

#[test]
fn bytes_that_were_received_before_are_hashed_again_and_not_asked_for() {
    let (bytes, server) = (b"behind a URL", serve(&[]));
    let user = User::new();
    let store = user.store();
    let http = Client::new(Options::default(), Arc::default());
    let interrupted = AtomicBool::new(false);
    let context = Context {
        store: &store,
        http: &http,
        reporter: &Silent,
        interrupted: &interrupted,
        offline: false,
    };
    let project = project("b");
    let check = |content: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, content).unwrap();
        let kept = Arc::new(KeptFile { file, digests: Vec::new(), size: 0 });
        let file = honest(&server, "b-2.tar.gz", bytes);
        let sought = Sought { project: &project, file: &file, depth: Depth::Bytes };
        look_with(context, &[sought], &|_| Some(Arc::clone(&kept)))
    };
    assert_eq!(codes(&check(b"other bytes")), [("false-claim", Class::Rejected)]);
    assert_eq!(check(bytes).seen[0].file.sha256, sha256(bytes));
    assert_eq!(server.request_lines(), Vec::<String>::new());
}

#[test]
fn an_address_is_written_without_secrets() {
    for (text, expect) in [
        ("https://u:p@example.org/f.whl#sha256=1", "https://example.org/f.whl"),
        ("https://token@example.org/f.whl", "https://example.org/f.whl"),
        ("https://example.org/get?file=f.whl", "https://example.org/get?file=f.whl"),
        ("https://example.org/f.whl?X-Amz-Signature=1&a=2", "https://example.org/f.whl"),
        ("https://example.org/f.whl?Expires=1", "https://example.org/f.whl"),
        ("no address", ""),
    ] {
        assert_eq!(one::without_secrets(text), expect, "{text}");
    }
}

#[test]
fn digests_that_stood_there_are_compared_and_never_kept() {
    let (name, bytes) = wheel("a");
    let server = serve(&[("a", &name, &bytes)]);
    let a = honest(&server, &name, &bytes);
    let other_platform = listed(&server, "a-1.0.tar.gz", &[sha256(b"sdist").into()], None);
    let sight = User::new().look(&[("a", &a, Depth::Bytes)]);
    let (project, version) = (project("a"), "1.0".parse().unwrap());
    let check = |filename: Option<&str>, digest: Digest, expect: &[&str]| {
        let old = OldDigests {
            project: &project,
            version: &version,
            digests: vec![(filename, digest)],
            listed: &[a.clone(), other_platform.clone()],
        };
        let notes = compare_with_old(&[old], &sight.seen);
        let found: Vec<_> = notes.iter().map(|note| (note.code, note.message.as_str())).collect();
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for ((code, message), part) in found.iter().zip(expect) {
            assert_eq!(*code, "stale-digest");
            assert!(message.contains(part), "{message}");
        }
    };
    let right: Digest = sha256(&bytes).into();
    check(None, right.clone(), &[]);
    check(Some(&name), right.clone(), &[]);
    check(None, sha256(b"sdist").into(), &[]);
    let stale: Digest = sha256(b"stale").into();
    let (of_file, of_release) = (
        format!("said {stale} of `{name}`, whose bytes have {right}"),
        format!("said {stale} of a 1.0"),
    );
    check(Some(&name), stale.clone(), &[&of_file]);
    check(None, stale, &[&of_release]);
    // Right bytes under another file's name.
    let swapped = format!("whose bytes have {right}");
    check(Some(&name), sha256(b"sdist").into(), &[&swapped]);
}
