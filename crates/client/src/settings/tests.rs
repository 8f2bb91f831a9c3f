//! Tables: what stands where, and what follows. Nothing of the machine's own settings gets in,
//! because everything is an input.

use countermark_packaging::lock::{FileOption, Place, Setting};
use url::Url;

use super::*;
use crate::http::{Authorities, Proxies};

/// A machine: variables, files, options.
#[derive(Clone, Default)]
struct Machine {
    variables: BTreeMap<String, String>,
    files: BTreeMap<PathBuf, String>,
    requirements: Vec<FileOption>,
    command_line: CommandLine,
}

impl Machine {
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }

    fn option(mut self, setting: Setting) -> Self {
        let place =
            Place { file: "deploy/requirements.txt".into(), line: 3, column: 1, span: 0..0 };
        self.requirements.push(FileOption { setting, place });
        self
    }

    fn given(mut self, change: impl FnOnce(&mut CommandLine)) -> Self {
        change(&mut self.command_line);
        self
    }

    fn read(&self) -> Result<Settings, Vec<SettingsError>> {
        let exists = |path: &Path| self.files.keys().any(|file| file.starts_with(path));
        read(&Inputs {
            command: "install",
            command_line: &self.command_line,
            requirements: &self.requirements,
            environment: &self.variables,
            folder: Path::new("/home/me/work/project"),
            home: Some(Path::new("/home/me")),
            prefix: Some(Path::new("/venv")),
            read_file: &|path| Ok(self.files.get(path).map(|text| text.clone().into_bytes())),
            exists: &exists,
        })
    }

    fn settings(&self) -> Settings {
        self.read().unwrap()
    }

    fn indexes(&self) -> Vec<String> {
        let indexes = self.settings().sources.indexes;
        indexes.iter().map(|index| index.url.to_string()).collect()
    }

    fn errors(&self) -> Vec<String> {
        self.read().unwrap_err().iter().map(ToString::to_string).collect()
    }
}

fn machine() -> Machine {
    Machine::default()
}

const A: &str = "https://a.example/simple/";
const B: &str = "https://b.example/simple/";
const C: &str = "https://c.example/simple/";

#[test]
fn with_nothing_the_public_index() {
    let settings = machine().settings();
    assert_eq!(settings.sources.indexes.len(), 1);
    assert_eq!(settings.sources.indexes[0].url.as_str(), DEFAULT_INDEX);
    assert_eq!(settings.sources.indexes[0].origin, Origin::Default);
    assert_eq!(settings.cache.unwrap().value, Path::new("/home/me/.cache/countermark"));
    assert_eq!((settings.ignored, settings.notes), (vec![], vec![]));
    assert_eq!(settings.http.authorities, Authorities::System);
    assert!(matches!(settings.http.proxies, Proxies::System));
}

/// Sets the index in one of the sources.
type Setter = dyn Fn(Machine, &str) -> Machine;

#[test]
fn the_highest_source_has_the_index() {
    let pip_file = "/home/me/.config/pip/pip.conf";
    let layers: [(&str, Box<Setter>); 9] = [
        ("cli", Box::new(|it, url| it.given(|given| given.index_url = Some(url.into())))),
        ("file", Box::new(|it, url| it.option(Setting::IndexUrl(url.into())))),
        ("own", Box::new(|it, url| it.variable("COUNTERMARK_INDEX_URL", url))),
        ("pip", Box::new(|it, url| it.variable("PIP_INDEX_URL", url))),
        ("uv", Box::new(|it, url| it.variable("UV_DEFAULT_INDEX", url))),
        (
            "project",
            Box::new(|it, url| {
                it.file("/home/me/work/countermark.toml", &format!("index-url = '{url}'"))
            }),
        ),
        (
            "user",
            Box::new(|it, url| {
                it.file(
                    "/home/me/.config/countermark/countermark.toml",
                    &format!("index-url = '{url}'"),
                )
            }),
        ),
        ("conf", Box::new(move |it, url| it.file(pip_file, &format!("[global]\nindex-url={url}")))),
        (
            "uv.toml",
            Box::new(|it, url| it.file("/etc/uv/uv.toml", &format!("index-url = '{url}'"))),
        ),
    ];
    for highest in 0..layers.len() {
        let mut machine = machine();
        for (name, layer) in &layers[highest..] {
            machine = layer(machine, &format!("https://{name}.example/simple"));
        }
        let expect = format!("https://{}.example/simple/", layers[highest].0);
        assert_eq!(machine.indexes(), [expect]);
    }
}

#[test]
fn the_order_of_indexes() {
    let public = DEFAULT_INDEX;
    let check = |machine: Machine, expect: &[&str]| assert_eq!(machine.indexes(), expect);
    check(machine().variable("PIP_EXTRA_INDEX_URL", &format!("{A} {B}")), &[A, B, public]);
    check(machine().variable("PIP_INDEX_URL", A).variable("PIP_EXTRA_INDEX_URL", B), &[B, A]);
    check(
        machine().variable("PIP_INDEX_URL", A).variable("PIP_EXTRA_INDEX_URL", public),
        &[A, public],
    );
    let both = machine().variable("UV_INDEX", &format!("one={A} {B}")).variable("UV_INDEX_URL", C);
    check(both, &[A, B, C]);
    // A variable of pip replaces what pip's files say, and joins the rest.
    let conf = format!("[global]\nextra-index-url =\n    {A}\n    {B}\n");
    let with_file = machine().file("/etc/pip.conf", &conf);
    check(with_file.clone(), &[A, B, public]);
    check(with_file.clone().variable("PIP_EXTRA_INDEX_URL", C), &[C, public]);
    check(with_file.clone().variable("UV_EXTRA_INDEX_URL", C), &[C, A, B, public]);
    let given = |it: &mut CommandLine| it.extra_index_urls = vec![C.into(), A.into()];
    check(with_file.given(given), &[C, A, B, public]);
    check(machine().option(Setting::ExtraIndexUrl(A.into())), &[A, public]);
}

#[test]
fn no_index() {
    let check = |machine: Machine, expect: bool| {
        let settings = machine.settings();
        assert_eq!(settings.no_index.is_some(), expect);
        assert_eq!(settings.sources.indexes.is_empty(), expect);
    };
    check(machine().given(|given| given.no_index = true), true);
    check(machine().option(Setting::NoIndex), true);
    check(machine().variable("PIP_NO_INDEX", "1").variable("PIP_INDEX_URL", A), true);
    check(machine().variable("PIP_NO_INDEX", "0"), false);
    check(machine().file("/etc/pip.conf", "[install]\nno-index = yes"), true);
    check(machine().file("/etc/uv/uv.toml", "no-index = true"), true);
    check(
        machine().file("/etc/pip.conf", "[global]\nno-index = yes").variable("PIP_NO_INDEX", "no"),
        false,
    );
    let errors = machine().variable("PIP_NO_INDEX", "maybe").errors();
    let expect = "`PIP_NO_INDEX` in the environment: expected yes or no, true or false, 1 or 0";
    assert_eq!(errors, [expect]);
}

#[test]
fn find_links() {
    let places = |machine: &Machine| -> Vec<String> {
        machine.settings().sources.find_links.iter().map(|it| it.place.to_string()).collect()
    };
    let check = |machine: Machine, expect: &[&str]| assert_eq!(places(&machine), expect);
    check(
        machine().variable("PIP_FIND_LINKS", "/opt/wheels ./more https://x.example/l"),
        &["/opt/wheels", "/home/me/work/project/more", "https://x.example/l"],
    );
    check(machine().variable("UV_FIND_LINKS", "/a,/b"), &["/a", "/b"]);
    check(
        machine().variable("PIP_FIND_LINKS", "file:///opt/wheels ~/w /opt/../opt/wheels"),
        &["/opt/wheels", "/home/me/w"],
    );
    // Beside the requirements file if it is there, else in the current folder.
    let option = machine().option(Setting::FindLinks("wheels".into()));
    check(option.clone(), &["/home/me/work/project/wheels"]);
    let here = option.file("/home/me/work/project/deploy/wheels/x.whl", "");
    check(here, &["/home/me/work/project/deploy/wheels"]);
    let project = "/home/me/work/countermark.toml";
    check(machine().file(project, "find-links = ['wheels']"), &["/home/me/work/wheels"]);
    let errors = machine().variable("PIP_FIND_LINKS", "ftp://user:secret@x.example/").errors();
    let found = "found `ftp://user:****@x.example/`";
    let origin = "`PIP_FIND_LINKS` in the environment";
    assert_eq!(errors, [format!("{origin}: expected a url or a path, {found}")]);
}

#[test]
fn pip_files_in_pips_order() {
    let files = [
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        "/home/me/.pip/pip.conf",
        "/home/me/.config/pip/pip.conf",
        "/venv/pip.conf",
    ];
    let conf = |url: &str| format!("[global]\nindex-url = {url}\n");
    let mut all = machine();
    for file in files {
        all = all.file(file, &conf(&format!("https://{}/", file.replace('/', "-x"))));
        let expect = format!("https://{}/", file.replace('/', "-x"));
        assert_eq!(all.indexes(), [expect], "{file}");
    }
    let named =
        all.clone().file("/named.conf", &conf(A)).variable("PIP_CONFIG_FILE", "/named.conf");
    assert_eq!(named.indexes(), [A]);
    assert_eq!(all.clone().variable("PIP_CONFIG_FILE", "/dev/null").indexes(), [DEFAULT_INDEX]);
    // A file that is named takes the place of the user's, when it is there.
    let user = machine().file("/home/me/.pip/pip.conf", &conf(A)).file("/named.conf", "");
    assert_eq!(user.clone().variable("PIP_CONFIG_FILE", "/nowhere.conf").indexes(), [A]);
    assert_eq!(user.variable("PIP_CONFIG_FILE", "/named.conf").indexes(), [DEFAULT_INDEX]);
    // The section of the command counts before `[global]` of any file, other sections do not.
    let sections = machine()
        .file("/etc/pip.conf", &format!("[install]\nindex-url={A}\n[download]\nindex-url={C}"))
        .file("/home/me/.pip/pip.conf", &conf(B));
    assert_eq!(sections.indexes(), [A]);
    let xdg = machine().variable("XDG_CONFIG_HOME", "/xdg").file("/xdg/pip/pip.conf", &conf(A));
    assert_eq!(xdg.indexes(), [A]);
    let origin = xdg.settings().sources.indexes[0].origin.to_string();
    assert_eq!(origin, "`[global] index-url` in /xdg/pip/pip.conf");
}

#[test]
fn uv_files() {
    let tool = "[tool.uv]\n[[tool.uv.index]]\nname = 'one'\nurl = 'https://a.example/simple'\n\
                [[tool.uv.index]]\nurl = 'https://b.example/simple'\ndefault = true\n";
    let project = "/home/me/work/pyproject.toml";
    let check = |machine: Machine, expect: &[&str]| assert_eq!(machine.indexes(), expect);
    let with_tool = machine().file(project, tool);
    check(with_tool.clone(), &[A, B]);
    check(with_tool.clone().variable("UV_NO_CONFIG", "1"), &[DEFAULT_INDEX]);
    check(with_tool.clone().variable("PIP_INDEX_URL", C), &[A, C]);
    // `uv.toml` beside it counts in place of the table.
    let uv_toml = format!("extra-index-url = ['{C}']");
    check(with_tool.clone().file("/home/me/work/uv.toml", &uv_toml), &[C, DEFAULT_INDEX]);
    let user = format!("[pip]\nextra-index-url = ['{C}']");
    check(with_tool.clone().file("/home/me/.config/uv/uv.toml", &user), &[A, C, B]);
    let named = machine().file("/u.toml", &uv_toml).variable("UV_CONFIG_FILE", "/u.toml");
    check(named, &[C, DEFAULT_INDEX]);
}

#[test]
fn how_far_up_a_project_is_looked_for() {
    let config = format!("index-url = '{A}'");
    let check = |files: &[&str], expect: &str| {
        let mut machine = machine();
        for file in files {
            machine = machine.file(file, if file.ends_with(".toml") { &config } else { "" });
        }
        assert_eq!(machine.indexes(), [expect], "{files:?}");
    };
    check(&["/home/me/work/project/countermark.toml"], A);
    check(&["/home/me/countermark.toml"], A);
    check(&["/home/countermark.toml"], DEFAULT_INDEX);
    check(&["/countermark.toml"], DEFAULT_INDEX);
    check(&["/home/me/work/countermark.toml", "/home/me/work/.git/HEAD"], A);
    check(&["/home/me/countermark.toml", "/home/me/work/.git/HEAD"], DEFAULT_INDEX);
}

#[test]
fn bindings() {
    let bound = |machine: &Machine, name: &str| {
        let sources = machine.settings().sources;
        let project = countermark_packaging::name::ProjectName::parse(name).unwrap();
        sources.bound_to(&project).map(|index| index.url.to_string())
    };
    let own = "[[index]]\nname = 'acme'\nurl = 'https://a.example/simple'\nexplicit = true\n\
               [index-for]\n'acme-*' = 'acme'\nother = 'https://b.example/simple/'\n";
    let machine = machine().file("/home/me/work/countermark.toml", own);
    assert_eq!(bound(&machine, "acme-web").as_deref(), Some(A));
    assert_eq!(bound(&machine, "other").as_deref(), Some(B));
    assert_eq!(bound(&machine, "else"), None);
    let given = machine.clone().given(|given| {
        given.index_for = vec![("acme-web".into(), C.into()), ("other".into(), "acme".into())];
    });
    assert_eq!(bound(&given, "acme-web").as_deref(), Some(C));
    assert_eq!(bound(&given, "other").as_deref(), Some(A));

    let uv = "[tool.uv]\nindex = [{ name = 'torch', url = 'https://b.example/simple' }]\n\
              [tool.uv.sources]\nTorch = { index = 'torch' }\nlocal = { path = '../local' }\n\
              many = [{ index = 'torch', marker = \"sys_platform == 'linux'\" }]\n";
    let machine = super::tests::machine().file("/home/me/work/pyproject.toml", uv);
    assert_eq!(bound(&machine, "torch").as_deref(), Some(B));
    assert_eq!(bound(&machine, "many").as_deref(), Some(B));
    assert_eq!(bound(&machine, "local"), None);

    let errors = super::tests::machine()
        .file("/home/me/work/countermark.toml", "[index-for]\nx = 'nowhere'\n'?' = 'y'\n")
        .errors();
    let origin = "`index-for` in /home/me/work/countermark.toml";
    assert_eq!(
        errors,
        [
            format!("{origin}: expected the name of a project, or its beginning with `*`"),
            format!("{origin}: no index has the name `nowhere`"),
        ]
    );
}

#[test]
fn credentials_are_taken_out_and_kept() {
    let machine = machine()
        .variable("PIP_INDEX_URL", "https://user:hidden@a.example/simple")
        .variable("UV_INDEX", "my-corp=https://b.example/simple")
        .variable("UV_INDEX_MY_CORP_USERNAME", "me")
        .variable("UV_INDEX_MY_CORP_PASSWORD", "hidden too")
        .variable("HTTPS_PROXY", "http://me:hidden@proxy.example:3128")
        .file("/home/me/.netrc", "machine c.example login n password hidden");
    let settings = machine.settings();
    assert_eq!(machine.indexes(), [B, A]);
    let store = settings.credential_store([], None);
    let check = |text: &str, username: &str, password: &str| {
        let found = store.for_url(&Url::parse(text).unwrap()).unwrap();
        assert_eq!((found.username.reveal(), found.password.reveal()), (username, password));
    };
    check(&format!("{A}x/"), "user", "hidden");
    check(&format!("{B}x/"), "me", "hidden too");
    check(&format!("{C}x/"), "n", "hidden");
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hidden"), "{shown}");
}

#[test]
fn netrc_that_cannot_be_used_is_said() {
    let machine = machine().variable("NETRC", "/n").file("/n", "hidden words");
    let settings = machine.settings();
    assert_eq!(settings.notes, ["`/n` is not used: line 1: expected `machine`"]);
}

#[test]
fn what_weakens_is_ignored_and_said() {
    let machine = machine()
        .variable("PIP_TRUSTED_HOST", "a.example b.example")
        .variable("PIP_NO_DEPS", "1")
        .variable("UV_INSECURE_HOST", "a.example")
        .variable("UV_NO_VERIFY_HASHES", "1")
        .variable("UV_INDEX_STRATEGY", "unsafe-best-match")
        .variable("UV_REQUIRE_HASHES", "true")
        .file("/etc/pip.conf", "[global]\ntrusted_host = x\nrequire-hashes = no\n[list]\nno-deps=1")
        .file("/etc/uv/uv.toml", "allow-insecure-host = ['x']\n[pip]\nverify-hashes = false\n")
        .file("/home/me/work/countermark.toml", "trusted-host = 'x'");
    let settings = machine.settings();
    let found: Vec<String> = settings.ignored.iter().map(|it| it.origin.to_string()).collect();
    assert_eq!(
        found,
        [
            "`PIP_NO_DEPS` in the environment",
            "`PIP_TRUSTED_HOST` in the environment",
            "`UV_INDEX_STRATEGY` in the environment",
            "`UV_INSECURE_HOST` in the environment",
            "`UV_NO_VERIFY_HASHES` in the environment",
            "`trusted-host` in /home/me/work/countermark.toml",
            "`[global] require-hashes` in /etc/pip.conf",
            "`[global] trusted-host` in /etc/pip.conf",
            "`allow-insecure-host` in /etc/uv/uv.toml",
            "`pip.verify-hashes` in /etc/uv/uv.toml",
        ]
    );
    assert_eq!(machine.indexes(), [DEFAULT_INDEX]);
}

#[test]
fn isolated() {
    let machine = machine()
        .variable("PIP_INDEX_URL", A)
        .variable("PIP_TRUSTED_HOST", "x")
        .file("/etc/pip.conf", "broken")
        .given(|given| given.isolated = true);
    assert_eq!(machine.indexes(), [DEFAULT_INDEX]);
    assert_eq!(machine.settings().ignored, []);
}

#[test]
fn certificates_as_pip_takes_them() {
    let names = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];
    for highest in 0..names.len() {
        let mut machine = machine();
        for name in &names[highest..] {
            machine = machine.variable(name, &format!("/{name}")).file(&format!("/{name}"), "");
        }
        let expect = Authorities::Only(vec![format!("/{}", names[highest]).into()]);
        assert_eq!(machine.settings().http.authorities, expect);
    }
    let both = machine()
        .variable("SSL_CERT_FILE", "/f")
        .variable("SSL_CERT_DIR", "/d:/e")
        .file("/f", "")
        .file("/d/x", "")
        .file("/e/x", "");
    let expect = Authorities::Only(vec!["/f".into(), "/d".into(), "/e".into()]);
    assert_eq!(both.settings().http.authorities, expect);
    let given = both.file("/g", "").given(|given| given.cert = Some("/g".into()));
    assert_eq!(given.settings().http.authorities, Authorities::Only(vec!["/g".into()]));
    let client = machine().variable("SSL_CLIENT_CERT", "/c").file("/c", "");
    assert_eq!(client.settings().http.client_certificate, Some("/c".into()));
    let errors =
        machine().variable("PIP_CERT", "/missing").variable("PIP_CLIENT_CERT", "/m").errors();
    assert_eq!(
        errors,
        [
            "`PIP_CERT` in the environment: there is no `/missing`",
            "`PIP_CLIENT_CERT` in the environment: there is no `/m`",
        ]
    );
}

#[test]
fn proxies() {
    let check = |machine: Machine, expect: Option<(Option<&str>, Option<&str>, Option<&str>)>| {
        let found = match machine.settings().http.proxies {
            Proxies::Given { http, https, except } => {
                let text =
                    |it: Option<crate::credentials::Secret>| it.map(|it| it.reveal().to_owned());
                Some((text(http), text(https), except))
            }
            Proxies::System | Proxies::Off => None,
        };
        let owned = |it: Option<&str>| it.map(str::to_owned);
        assert_eq!(found, expect.map(|(a, b, c)| (owned(a), owned(b), owned(c))));
    };
    let p = "http://p.example:1";
    let q = "http://q.example:1";
    check(machine(), None);
    check(machine().variable("https_proxy", p), Some((None, Some(p), None)));
    check(
        machine().variable("ALL_PROXY", p).variable("HTTP_PROXY", q).variable("no_proxy", "x"),
        Some((Some(q), Some(p), Some("x"))),
    );
    check(machine().variable("HTTP_PROXY", q).variable("REQUEST_METHOD", "GET"), None);
    check(
        machine().variable("HTTPS_PROXY", q).variable("PIP_PROXY", p),
        Some((Some(p), Some(p), None)),
    );
    check(machine().variable("HTTPS_PROXY", q).variable("PIP_NO_PROXY_ENV", "1"), None);
}

#[test]
fn times_and_attempts() {
    let settings = machine().variable("PIP_DEFAULT_TIMEOUT", "180").settings();
    assert_eq!(settings.http.timeouts.idle.as_secs(), 180);
    assert_eq!(settings.http.timeouts.connect.as_secs(), 15);
    let settings = machine()
        .variable("UV_HTTP_TIMEOUT", "4")
        .variable("UV_HTTP_CONNECT_TIMEOUT", "2")
        .variable("PIP_RETRIES", "0")
        .variable("UV_OFFLINE", "1")
        .settings();
    assert_eq!(settings.http.timeouts.idle.as_secs(), 4);
    assert_eq!(settings.http.timeouts.connect.as_secs(), 2);
    assert_eq!(settings.http.retries.count, 0);
    assert!(settings.http.offline);
    for bad in ["-1", "0", "soon", "NaN"] {
        let errors = machine().variable("PIP_TIMEOUT", bad).errors();
        let expect = "`PIP_TIMEOUT` in the environment: expected a number of seconds above 0";
        assert_eq!(errors, [expect], "{bad}");
    }
}

#[test]
fn where_the_store_is() {
    let check = |machine: Machine, expect: &str| {
        assert_eq!(machine.settings().cache.unwrap().value, Path::new(expect));
    };
    check(machine().variable("XDG_CACHE_HOME", "/xdg"), "/xdg/countermark");
    check(machine().variable("COUNTERMARK_CACHE_DIR", "/a b/c"), "/a b/c");
    let user = "/home/me/.config/countermark/countermark.toml";
    check(machine().file(user, "cache-dir = '~/store'"), "/home/me/store");
    // Not pip's, not uv's, and not where a project wants it.
    let others = machine().variable("PIP_CACHE_DIR", "/pip").variable("UV_CACHE_DIR", "/uv");
    check(others, "/home/me/.cache/countermark");
    let project = machine().file("/home/me/work/countermark.toml", "cache-dir = '/shared'");
    check(project.clone(), "/home/me/.cache/countermark");
    assert_eq!(project.settings().ignored[0].option, "cache-dir");
    let limit = |machine: Machine| machine.settings().cache_limit.map(|limit| limit.value);
    assert_eq!(limit(machine()), None);
    assert_eq!(limit(machine().file(user, "cache-limit = '2GB'")), Some("2GB".to_owned()));
    let variable = machine().file(user, "cache-limit = '2GB'");
    let variable = variable.variable("COUNTERMARK_CACHE_LIMIT", "1GB");
    assert_eq!(limit(variable), Some("1GB".to_owned()));
    let theirs = machine().file("/home/me/work/countermark.toml", "cache-limit = '0'");
    assert_eq!(theirs.settings().ignored[0].option, "cache-limit");
    assert_eq!(limit(theirs), None);
    check(
        project.given(|given| given.cache_dir = Some("here".into())),
        "/home/me/work/project/here",
    );
}

#[test]
fn the_rest_of_pips_options() {
    let settings = machine()
        .variable("PIP_ONLY_BINARY", ":all:")
        .variable("PIP_CONSTRAINT", "c.txt https://x.example/c.txt")
        .variable("PIP_BREAK_SYSTEM_PACKAGES", "1")
        .variable("PIP_REQUIRE_VIRTUALENV", "true")
        .variable("PIP_KEYRING_PROVIDER", "subprocess")
        .option(Setting::NoBinary("x,y".into()))
        .option(Setting::Pre)
        .settings();
    assert_eq!(settings.only_binary[0].value, ":all:");
    assert_eq!(settings.no_binary[0].value, "x,y");
    let origin = "`--no-binary` in deploy/requirements.txt:3";
    assert_eq!(settings.no_binary[0].origin.to_string(), origin);
    assert!(settings.pre && !settings.prefer_binary);
    let constraints: Vec<_> = settings.constraints.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(constraints, ["/home/me/work/project/c.txt", "https://x.example/c.txt"]);
    assert!(settings.break_system_packages.unwrap().value);
    assert!(settings.require_virtualenv.unwrap().value);
    assert_eq!(settings.keyring, KeyringProvider::Subprocess);
}

#[test]
fn plain_http_is_allowed_by_name_and_said() {
    let settings = machine()
        .variable("PIP_INDEX_URL", "http://a.example:8080/simple")
        .variable("PIP_EXTRA_INDEX_URL", "http://127.0.0.1:1/simple")
        .settings();
    assert!(settings.http.plain_http.contains("http://a.example:8080"));
    assert_eq!(settings.notes.len(), 1);
    assert!(settings.notes[0].starts_with("`http://a.example:8080/simple/` is plain http"));
}

#[test]
fn several_mistakes_are_all_said() {
    let errors = machine()
        .variable("PIP_INDEX_URL", "nonsense")
        .variable("PIP_KEYRING_PROVIDER", "magic")
        .file("/etc/pip.conf", "index-url = x")
        .file("/etc/uv/uv.toml", "password = 'hidden")
        .file("/home/me/work/countermark.toml", "index_url = 'x'\n[[index]]\nname = 'x'")
        .errors();
    assert_eq!(errors.len(), 6, "{errors:#?}");
    assert_eq!(
        errors[0..3],
        [
            "`index` in /home/me/work/countermark.toml: expected tables with `url`, and `name`, `default`, `explicit`",
            "`index_url` in /home/me/work/countermark.toml: no such setting",
            "cannot read the configuration file `/etc/pip.conf`: line 1: expected a section such as `[global]`",
        ]
    );
    assert!(errors[3].starts_with("cannot read the configuration file `/etc/uv/uv.toml`: "));
    let url = "`PIP_INDEX_URL` in the environment: expected a url or a path, found `nonsense`";
    assert_eq!(errors[4], url);
    assert!(errors[5].starts_with("`PIP_KEYRING_PROVIDER` in the environment: expected `auto`"));
    assert!(!errors.concat().contains("hidden"), "{errors:#?}");
}

#[test]
fn a_policy_is_no_setting_and_a_mistyped_one_is_told() {
    let errors = |path: &str, text: &str| machine().file(path, text).errors();
    let own = "/home/me/work/countermark.toml";
    let pyproject = "/home/me/work/pyproject.toml";
    let policy = "[policy]\nyanked = 'refuse'\n[[policy.allow]]\nrule = 'yanked'\n";
    machine().file(own, policy).settings();
    machine().file(pyproject, "[tool.countermark.policy]\nyanked = 'refuse'\n").settings();
    let check = |path: &str, text: &str, key: &str| {
        assert_eq!(errors(path, text), [format!("`{key}` in {path}: no such setting")]);
    };
    check(own, "[polciy]\nyanked = 'refuse'\n", "polciy");
    check(own, "[[allow]]\nrule = 'yanked'\n", "allow");
    check(pyproject, "[tool.countermark.polcy]\nx = 1\n", "tool.countermark.polcy");
    // Nobody reads a policy of the user: it is the project's.
    check("/home/me/.config/countermark/countermark.toml", policy, "policy");
    // What others write into their own files is theirs.
    machine().file("/etc/uv/uv.toml", "[policy]\nx = 1\n").settings();
}

#[test]
fn an_index_in_a_folder() {
    let check = |text: &str, expect: &str| {
        assert_eq!(machine().variable("PIP_INDEX_URL", text).indexes(), [expect]);
    };
    check("./simple", "file:///home/me/work/project/simple/");
    check("file:///srv/simple", "file:///srv/simple/");
    check("/srv/simple/", "file:///srv/simple/");
}
