use crate::system::unix::fs::symlink;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::Command;

use super::*;
use crate::interpreter::tests::{make_venv, python3, run};
use crate::interpreter::{Interpreter, read_interpreter};

struct Place {
    root: tempfile::TempDir,
    interpreter: Interpreter,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let env = root.path().canonicalize().unwrap().join("env");
        make_venv(&python3(), &env);
        let interpreter = read_interpreter(&env.join("bin/python"), None).unwrap();
        Self { root, interpreter }
    }

    fn layout(&self) -> &Layout {
        self.interpreter.layout()
    }

    /// Writes a file below site-packages.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.layout().purelib.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn package(&self, folder: &str, record: &str) -> Installed {
        self.write(&format!("{folder}/RECORD"), record);
        let environment = read_environment(self.layout()).unwrap();
        let mut found = environment.installed.into_iter();
        found.find(|installed| installed.dist_info.ends_with(folder)).unwrap()
    }

    fn plan(
        &self,
        package: &Installed,
        others: &BTreeSet<PathBuf>,
    ) -> Result<Removal, UninstallError> {
        let record = package.read_record()?;
        plan_uninstall(package, &record, self.layout(), &self.interpreter, others, &DiskListing)
    }

    /// Below the environment's prefix, for comparing.
    fn relative(&self, paths: &[PathBuf]) -> Vec<String> {
        let prefix = self.interpreter.prefix();
        let paths = paths.iter().map(|path| path.strip_prefix(prefix).unwrap().to_str().unwrap());
        paths
            .map(|path| {
                path.rsplit_once("site-packages/").map_or(path, |(_, rest)| rest).to_owned()
            })
            .collect()
    }
}

#[test]
fn what_is_installed_is_read_and_the_rest_is_unknown() {
    let place = Place::new();
    place.write(
        "Foo_Bar-1.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\n",
    );
    place.write("Foo_Bar-1.0.dist-info/INSTALLER", "countermark\n");
    place.write("Foo_Bar-1.0.dist-info/REQUESTED", "");
    place.write("Foo_Bar-1.0.dist-info/direct_url.json", "{}");
    place.write(
        "foo_bar-0.9.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: foo-bar\nVersion: 0.9\n",
    );
    place.write(
        "post-1.0_1.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: post\nVersion: 1.0-1\n",
    );
    place.write("~ip-1.0.dist-info/METADATA", "");
    place.write("broken-x.dist-info/METADATA", "");
    place.write("old-1.0-py3.11.egg-info", "");
    place.write("older-1.0.egg-info/PKG-INFO", "");
    place.write("work.egg-link", "/somewhere\n.");
    place.write("easy-1.0.egg/EGG-INFO/PKG-INFO", "");
    place.write("file-1.0.dist-info", "");
    place.write("package/other.dist-info/METADATA", "");
    symlink("/etc", place.layout().purelib.join("link-1.0.dist-info")).unwrap();
    let environment = read_environment(place.layout()).unwrap();
    let installed: Vec<(String, String)> = environment
        .installed
        .iter()
        .map(|installed| (installed.name.to_string(), installed.version.to_string()))
        .collect();
    let expect = [("foo-bar", "1.0"), ("foo-bar", "0.9"), ("post", "1.0.post1")];
    assert_eq!(installed, expect.map(|(name, version)| (name.to_owned(), version.to_owned())));
    let unknown: Vec<(&str, UnknownKind)> = environment
        .unknown
        .iter()
        .map(|unknown| (unknown.path.file_name().unwrap().to_str().unwrap(), unknown.kind))
        .collect();
    let expect = [
        ("broken-x.dist-info", UnknownKind::Name),
        ("easy-1.0.egg", UnknownKind::Egg),
        ("file-1.0.dist-info", UnknownKind::NotAFolder),
        ("link-1.0.dist-info", UnknownKind::NotAFolder),
        ("old-1.0-py3.11.egg-info", UnknownKind::Distutils),
        ("older-1.0.egg-info", UnknownKind::EggInfo),
        ("work.egg-link", UnknownKind::EggLink),
        ("~ip-1.0.dist-info", UnknownKind::Name),
    ];
    assert_eq!(unknown, expect);
    let name = ProjectName::parse("FOO-BAR").unwrap();
    assert_eq!(environment.duplicates().into_keys().collect::<Vec<_>>(), [&name]);
    let first = environment.of(&name).next().unwrap();
    assert_eq!(first.read_installer().unwrap().as_deref(), Some("countermark"));
    assert!(first.is_requested());
    assert_eq!(first.read_direct_url().unwrap().as_deref(), Some("{}"));
    assert_eq!(first.read_provenance().unwrap(), None);
    assert!(matches!(first.read_record(), Err(EnvironmentError::NoRecord { .. })));
    let list = list_packages(&environment);
    assert_eq!(list[0].name, "Foo.Bar");
}

#[test]
fn files_of_a_package_are_not_read_through_links_or_without_end() {
    let place = Place::new();
    let package = place.package("a-1.dist-info", "");
    let installer = package.dist_info.join("INSTALLER");
    let check = |expect: &str| {
        let error = package.read_installer().unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(error.class(), Class::Unavailable);
        if installer.is_dir() { fs::remove_dir(&installer) } else { fs::remove_file(&installer) }
            .unwrap();
    };
    symlink("/etc/hostname", &installer).unwrap();
    check("cannot read");
    fs::create_dir(&installer).unwrap();
    check("cannot read");
    run(Command::new("mkfifo").arg(&installer));
    check("cannot read");
    fs::write(&installer, vec![b'x'; 65 << 10]).unwrap();
    check("more than 65536 bytes");
    assert_eq!(package.read_installer().unwrap(), None);
    let broken = place.package("b-1.dist-info", "a.py,sha256=???,5\n");
    let error = broken.read_record().unwrap_err();
    assert!(matches!(error, EnvironmentError::Record { .. }), "{error}");
    assert_eq!(error.class(), Class::Rejected);
}

#[test]
fn a_missing_folder_of_packages_is_an_empty_environment() {
    let place = Place::new();
    let layout = place.layout().moved(place.interpreter.prefix(), Path::new("/nonexistent"));
    assert_eq!(read_environment(&layout).unwrap(), Environment::default());
    // One folder under two names is read once.
    let site = &place.layout().purelib;
    place.write("a-1.dist-info/RECORD", "");
    let linked = place
        .interpreter
        .prefix()
        .join("lib64")
        .join(site.strip_prefix(place.interpreter.prefix().join("lib")).unwrap());
    let layout = Layout { platlib: linked, ..place.layout().clone() };
    assert_eq!(read_environment(&layout).unwrap().installed.len(), 1);
}

#[test]
fn a_removal_takes_bytecode_and_empty_folders_along() {
    let place = Place::new();
    let headers = place.relative(&[place.layout().headers.clone()]).remove(0);
    for name in [
        "a/__init__.py",
        "a/sub/one.py",
        "a/sub/data.txt",
        "a/__pycache__/__init__.cpython-311.pyc",
        "a/sub/__pycache__/one.cpython-311.pyc",
        "a/sub/__pycache__/one.cpython-312.opt-1.pyc",
        "a/sub/__pycache__/one.two.cpython-311.pyc",
        "a/sub/one.pyc",
        "shared/__init__.py",
        "shared/a.py",
        "single.py",
        "__pycache__/single.cpython-311.pyc",
        "a-1.dist-info/METADATA",
        "a-1.dist-info/unrecorded/LICENSE",
        "../../../bin/a-command",
        "../../../share/man/man1/a.1",
        &format!("../../../{headers}/a/a.h"),
    ] {
        place.write(name, "");
    }
    let record = format!(
        "a/__init__.py,,\na/sub/one.py,,\na/sub/data.txt,,\na/gone.py,,\nshared/__init__.py,,\nshared/a.py,,\n\
        single.py,,\na-1.dist-info/METADATA,,\na-1.dist-info/RECORD,,\n../../../bin/a-command,,\n\
        ../../../share/man/man1/a.1,,\n../../../{headers}/a/a.h,,\na/./sub/../sub/one.py,,\n"
    );
    let package = place.package("a-1.dist-info", &record);
    let others = BTreeSet::from([place.layout().purelib.join("shared/__init__.py")]);
    let removal = place.plan(&package, &others).unwrap();
    let expect = [
        "bin/a-command",
        &format!("{headers}/a/a.h"),
        "__pycache__/single.cpython-311.pyc",
        "a/__init__.py",
        "a/__pycache__/__init__.cpython-311.pyc",
        "a/sub/__pycache__/one.cpython-311.pyc",
        "a/sub/__pycache__/one.cpython-312.opt-1.pyc",
        "a/sub/data.txt",
        "a/sub/one.py",
        "a/sub/one.pyc",
        "a-1.dist-info/METADATA",
        "a-1.dist-info/RECORD",
        "a-1.dist-info/unrecorded/LICENSE",
        "shared/a.py",
        "single.py",
        "share/man/man1/a.1",
    ];
    let files: BTreeSet<String> = place.relative(&removal.files).into_iter().collect();
    assert_eq!(files, expect.map(str::to_owned).into());
    let folders: BTreeSet<String> = place.relative(&removal.folders).into_iter().collect();
    let expect = [
        "__pycache__",
        "a/__pycache__",
        "a-1.dist-info",
        "a-1.dist-info/unrecorded",
        &format!("{headers}/a"),
        "share",
        "share/man",
        "share/man/man1",
    ];
    assert_eq!(folders, expect.map(str::to_owned).into());
    assert_eq!(place.relative(&removal.missing), ["a/gone.py"]);
    assert_eq!(place.relative(&removal.kept), ["shared/__init__.py"]);
    // The order is one in which it can be done.
    for file in &removal.files {
        fs::remove_file(file).unwrap();
    }
    for folder in &removal.folders {
        fs::remove_dir(folder).unwrap();
    }
}

#[test]
fn a_record_that_names_what_is_not_its_own_removes_nothing() {
    let place = Place::new();
    let site = place.layout().purelib.clone();
    let outside = place.root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("precious.py"), "").unwrap();
    symlink(&outside, site.join("linked")).unwrap();
    place.write("own.py", "");
    let standard = place.interpreter.standard_library().join("os.py");
    let check = |path: &str, expect: Refusal| {
        let package = place.package("a-1.dist-info", &format!("own.py,,\n{path},,\n"));
        let error = place.plan(&package, &BTreeSet::new()).unwrap_err();
        assert_eq!(error.class(), Class::Rejected);
        let UninstallError::Refused { paths, .. } = &error else { panic!("{error}") };
        assert_eq!(paths, &[(path.to_owned(), expect)]);
        assert!(error.to_string().contains(&format!("{path:?}")), "{error}");
    };
    check("../../../../outside/precious.py", Refusal::Outside);
    check(outside.join("precious.py").to_str().unwrap(), Refusal::Outside);
    check("/etc/passwd", Refusal::Outside);
    check(&"../".repeat(60), Refusal::Outside);
    check("../../..", Refusal::Outside);
    check("linked/precious.py", Refusal::ThroughLink);
    check("../../../lib64/x.py", Refusal::ThroughLink);
    check("../../../bin/python", Refusal::Protected);
    check("../../../bin/python3.11", Refusal::Protected);
    check("../../../bin/pythonw", Refusal::Protected);
    check("../../../pyvenv.cfg", Refusal::Protected);
    check(standard.to_str().unwrap(), Refusal::Protected);
    // An absolute path inside and a link that is the package's own are fine; the link's target stays.
    let own = site.join("own.py");
    let package = place.package("a-1.dist-info", &format!("{},,\nlinked,,\n", own.display()));
    let removal = place.plan(&package, &BTreeSet::new()).unwrap();
    assert!(removal.files.contains(&own) && removal.files.contains(&site.join("linked")));
    // A folder is not removed with what is in it.
    place.write("folder/file", "");
    let package = place.package("a-1.dist-info", "folder,,\n../../../bin/pythonic,,\n");
    let removal = place.plan(&package, &BTreeSet::new()).unwrap();
    assert_eq!(removal.kept, [site.join("folder")]);
    assert_eq!(removal.missing, [place.layout().scripts.join("pythonic")]);
}

/// The plan asks the listing and nothing else.
#[test]
fn a_disk_that_does_not_answer_stops_the_plan() {
    struct Broken;
    impl Listing for Broken {
        fn kind(&self, _: &Path) -> io::Result<Option<EntryKind>> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        fn names(&self, _: &Path) -> io::Result<Vec<OsString>> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    let place = Place::new();
    for record in ["", "a/b.py,,\n"] {
        let package = place.package("a-1.dist-info", record);
        let record = package.read_record().unwrap();
        let error = plan_uninstall(
            &package,
            &record,
            place.layout(),
            &place.interpreter,
            &BTreeSet::new(),
            &Broken,
        )
        .unwrap_err();
        assert!(matches!(error, UninstallError::Io { .. }), "{error}");
        assert_eq!(error.class(), Class::Unavailable);
    }
}

#[test]
fn what_has_no_list_of_files_is_refused_with_a_hint() {
    for (kind, expect) in [
        (UnknownKind::Distutils, "new environment"),
        (UnknownKind::EggInfo, "pip uninstall"),
        (UnknownKind::Name, "by hand"),
    ] {
        let error = UninstallError::from(&Unknown { path: "/site/x".into(), kind });
        assert_eq!(error.class(), Class::Usage);
        assert!(error.hint().unwrap().contains(expect));
        assert!(error.to_string().starts_with("`/site/x` "), "{error}");
    }
}

/// `COUNTERMARK_PIP` names a pip: what it leaves after removing its own installation is what we
/// would leave.
#[test]
fn a_removal_is_that_of_pip() {
    let Some(pip) = std::env::var_os("COUNTERMARK_PIP") else {
        eprintln!("COUNTERMARK_PIP is not set: not compared with pip");
        return;
    };
    let make_wheel = r"
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    for name, text in {
        'mod/__init__.py': 'x = 1\n', 'mod/deep/__init__.py': '', 'mod/deep/data': 'x', 'single.py': '',
        'mod-1.data/scripts/run': '#!python\n', 'mod-1.data/data/share/doc/mod/read': 'x',
        'mod-1.data/headers/mod.h': '',
        'mod-1.dist-info/WHEEL': 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
        'mod-1.dist-info/METADATA': 'Metadata-Version: 2.1\nName: mod\nVersion: 1\n',
        'mod-1.dist-info/entry_points.txt': '[console_scripts]\nlaunch = mod:x\n', 'mod-1.dist-info/RECORD': '',
    }.items():
        wheel.writestr(name, text)
";
    let place = Place::new();
    let wheel = place.root.path().join("mod-1-py3-none-any.whl");
    run(Command::new("python3").args(["-I", "-c", make_wheel]).arg(&wheel));
    let python = place.interpreter.executable().to_owned();
    let call =
        |arguments: &[&str]| run(Command::new(&pip).arg("--python").arg(&python).args(arguments));
    let paths = || {
        let listed = run(Command::new("find").arg(place.interpreter.prefix()));
        listed.lines().map(PathBuf::from).collect::<BTreeSet<_>>()
    };
    let headers = place.layout().headers.clone();
    let headers = place.relative(&[headers]).remove(0);
    let before = paths();
    let install = ["install", "--no-index", "--no-deps", wheel.to_str().unwrap()];
    call(&install);
    run(Command::new(&python).args(["-O", "-c", "import mod.deep"]));
    let full = paths();
    let package = read_environment(place.layout()).unwrap().installed.remove(0);
    let removal = place.plan(&package, &BTreeSet::new()).unwrap();
    assert_eq!(removal.missing, [] as [PathBuf; 0]);
    let ours: BTreeSet<PathBuf> = removal.files.iter().chain(&removal.folders).cloned().collect();
    call(&["uninstall", "-y", "mod"]);
    let left: BTreeSet<PathBuf> = full.difference(&ours).cloned().collect();
    // Off pip: pip leaves the `-O` bytecode and folders above a folder that it removed.
    let differ: Vec<PathBuf> = left.symmetric_difference(&paths()).cloned().collect();
    let expect = [
        "mod",
        "mod/__pycache__",
        "mod/__pycache__/__init__.*.opt-1.pyc",
        "mod/deep",
        "mod/deep/__pycache__",
        "mod/deep/__pycache__/__init__.*.opt-1.pyc",
        "share",
        "share/doc",
    ];
    let tag = place.interpreter.cache_tag().unwrap();
    assert_eq!(place.relative(&differ), expect.map(|path| path.replace('*', tag)));
    let added: Vec<PathBuf> = left.difference(&before).cloned().collect();
    assert_eq!(place.relative(&added), ["include/site", &headers]);
}
