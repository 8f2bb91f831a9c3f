//! Locks by the thousand: what they hold is drawn from a seed, and each format's writer writes it
//! as the tools do, in the forms that occur.

use std::fmt::Write as _;

/// Numbers from a seed (xorshift64*).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b"0123456789abcdef"[self.below(16)])).collect()
    }
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    /// As tools spell it.
    pub(super) name: String,
    pub(super) version: String,
    pub(super) files: Vec<MadeFile>,
    /// Numbers of entries.
    pub(super) needs: Vec<usize>,
    pub(super) group: &'static str,
    pub(super) marker: Option<&'static str>,
    pub(super) extra: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MadeFile {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) digest: String,
    pub(super) size: usize,
}

pub(super) fn entries(draw: &mut Draw) -> Vec<Made> {
    let count = 1 + draw.below(8);
    (0..count).map(|number| entry(draw, number, count)).collect()
}

pub(super) fn entry(draw: &mut Draw, number: usize, count: usize) -> Made {
    const STEMS: [&str; 6] =
        ["flask", "Py.YAML", "zope.interface", "a", "typing_extensions", "x-1"];
    const VERSIONS: [&str; 6] = ["1.0", "2024.7.4", "1!2.3", "0.1rc1", "3.2.post1", "1.1.10"];
    const MARKERS: [&str; 3] =
        ["sys_platform == 'win32'", "python_version < \"3.9\"", "extra == 'x' or os_name == 'nt'"];
    let name = format!("{}{}{number}", STEMS[draw.below(6)], ["-", "_", "."][draw.below(3)]);
    let version = VERSIONS[draw.below(6)].to_owned();
    let stem = crate::name::normalize(&name).replace('-', "_");
    let mut files = Vec::new();
    let tags = ["py3-none-any", "cp311-cp311-manylinux_2_17_x86_64", "cp312-cp312-win_amd64"];
    for tag in &tags[..draw.below(4)] {
        files.push(file(draw, format!("{stem}-{version}-{tag}.whl")));
    }
    if files.is_empty() || draw.chance(70) {
        files.push(file(draw, format!("{stem}-{version}.tar.gz")));
    }
    let needs = (0..draw.below(4)).map(|_| draw.below(count)).collect();
    let marker = draw.chance(30).then(|| MARKERS[draw.below(3)]);
    let extra = draw.chance(20).then_some("socks");
    Made { name, version, files, needs, group: ["main", "dev"][draw.below(2)], marker, extra }
}

fn file(draw: &mut Draw, name: String) -> MadeFile {
    let digest = format!("sha256:{}", draw.hex(64));
    let url = format!("https://files.example.org/{}/{name}", draw.hex(8));
    MadeFile { name, url, digest, size: draw.below(1 << 30) }
}

/// A text in the quotation marks of TOML and JSON.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn uv(made: &[Made], draw: &mut Draw) -> String {
    let mut text = format!(
        "version = 1\nrevision = {}\nrequires-python = \">=3.9\"\n\n[manifest]\nmembers = [{}]\n",
        draw.below(4),
        quoted(&made[0].name)
    );
    for one in made {
        let _ = write!(
            text,
            "\n[[package]]\nname = {}\nversion = {}\n\
             source = {{ registry = \"https://example.org/simple\" }}\n",
            quoted(&crate::name::normalize(&one.name)),
            quoted(&one.version)
        );
        let need = |&number: &usize| {
            let other: &Made = &made[number];
            format!(
                "    {{ name = {}, version = {} }},\n",
                quoted(&crate::name::normalize(&other.name)),
                quoted(&other.version)
            )
        };
        let needs: String = one.needs.iter().map(need).collect();
        let _ = writeln!(text, "dependencies = [\n{needs}]");
        let table = |file: &MadeFile| {
            format!(
                "{{ url = {}, hash = {}, size = {}, upload-time = \"2024-01-02T03:04:05Z\" }}",
                quoted(&file.url),
                quoted(&file.digest),
                file.size
            )
        };
        let mut wheels = String::new();
        for file in &one.files {
            if file.name.ends_with(".whl") {
                let _ = writeln!(wheels, "    {},", table(file));
            } else {
                let _ = writeln!(text, "sdist = {}", table(file));
            }
        }
        let _ = writeln!(text, "wheels = [\n{wheels}]");
        if draw.chance(10) {
            let _ = writeln!(text, "\n[package.optional-dependencies]\nx = [\n{needs}]");
        }
    }
    text
}

/// Which form of `poetry.lock` or `pdm.lock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Beside,
    InMetadata,
    BareDigests,
}

fn file_tables(files: &[MadeFile]) -> String {
    let table = |file: &MadeFile| {
        format!("    {{file = {}, hash = {}}},\n", quoted(&file.name), quoted(&file.digest))
    };
    files.iter().map(table).collect()
}

pub(super) fn poetry(made: &[Made], form: Form) -> String {
    let mut text = "# This file is automatically @generated by Poetry.\n".to_owned();
    for one in made {
        let _ = write!(
            text,
            "\n[[package]]\nname = {}\nversion = {}\ndescription = \"\"\noptional = false\n\
             python-versions = \"*\"\n",
            quoted(&one.name),
            quoted(&one.version)
        );
        let _ = match form {
            Form::Beside => writeln!(text, "groups = [{}]", quoted(one.group)),
            _ => writeln!(text, "category = {}", quoted(one.group)),
        };
        if let Some(marker) = one.marker {
            let _ = writeln!(text, "markers = {}", quoted(marker));
        }
        if form == Form::Beside {
            let _ = writeln!(text, "files = [\n{}]", file_tables(&one.files));
        }
        let mut needs: Vec<usize> = one.needs.clone();
        needs.sort_unstable();
        needs.dedup();
        if !needs.is_empty() {
            text.push_str("\n[package.dependencies]\n");
        }
        for number in needs {
            let _ = writeln!(text, "{} = \">=0.1\"", quoted(&made[number].name));
        }
        text.push_str("\n[package.extras]\nx = [\"not-there (>=1)\"]\n");
    }
    let version = if form == Form::Beside { "2.1" } else { "1.1" };
    let _ = write!(text, "\n[metadata]\nlock-version = {}\n", quoted(version));
    text.push_str("python-versions = \"^3.9\"\ncontent-hash = \"00\"\n");
    if form == Form::Beside {
        return text;
    }
    text.push_str(if form == Form::InMetadata {
        "\n[metadata.files]\n"
    } else {
        "\n[metadata.hashes]\n"
    });
    for one in made {
        let list = if form == Form::InMetadata {
            format!("\n{}", file_tables(&one.files))
        } else {
            let digests = one.files.iter().map(|file| quoted(&file.digest["sha256:".len()..]));
            digests.collect::<Vec<_>>().join(", ")
        };
        let _ = writeln!(text, "{} = [{list}]", quoted(&one.name));
    }
    text
}

pub(super) fn pdm(made: &[Made], form: Form) -> String {
    let version = if form == Form::Beside { "4.5.0" } else { "4.1" };
    let metadata = format!(
        "[metadata]\ngroups = [\"default\"]\nlock_version = {}\ncontent_hash = \"sha256:00\"\n",
        quoted(version)
    );
    let mut text = "# This file is @generated by PDM.\n\n".to_owned();
    if form == Form::Beside {
        text.push_str(&metadata);
        text.push_str("\n[[metadata.targets]]\nrequires_python = \">=3.9\"\n");
    }
    for one in made {
        let _ = write!(
            text,
            "\n[[package]]\nname = {}\nversion = {}\nsummary = \"x\"\ngroups = [{}]\n",
            quoted(&one.name),
            quoted(&one.version),
            quoted(one.group)
        );
        if let Some(marker) = one.marker {
            let _ = writeln!(text, "marker = {}", quoted(marker));
        }
        if let Some(extra) = one.extra {
            let _ = writeln!(text, "extras = [{}]", quoted(extra));
        }
        let need =
            |&number: &usize| format!("    {},\n", quoted(&format!("{}>=0.1", made[number].name)));
        let _ =
            writeln!(text, "dependencies = [\n{}]", one.needs.iter().map(need).collect::<String>());
        if form == Form::Beside {
            let _ = writeln!(text, "files = [\n{}]", file_tables(&one.files));
        }
    }
    if form != Form::Beside {
        let _ = write!(text, "\n{metadata}\n[metadata.files]\n");
        for one in made {
            let key = quoted(&format!("{} {}", one.name, one.version));
            let _ = writeln!(text, "{key} = [\n{}]", file_tables(&one.files));
        }
    }
    text
}

pub(super) fn pipfile(made: &[Made]) -> String {
    let section = |group: &str| {
        let entry = |one: &Made| {
            let digests: Vec<String> = one
                .files
                .iter()
                .map(|file| format!("                {}", quoted(&file.digest)))
                .collect();
            let mut fields =
                vec![format!("            \"hashes\": [\n{}\n            ]", digests.join(",\n"))];
            if let Some(extra) = one.extra {
                fields.push(format!("            \"extras\": [{}]", quoted(extra)));
            }
            fields.push("            \"index\": \"main\"".to_owned());
            if let Some(marker) = one.marker {
                fields.push(format!("            \"markers\": {}", quoted(marker)));
            }
            fields.push(format!(
                "            \"version\": {}",
                quoted(&format!("=={}", one.version))
            ));
            format!("        {}: {{\n{}\n        }}", quoted(&one.name), fields.join(",\n"))
        };
        let entries: Vec<String> =
            made.iter().filter(|one| one.group == group).map(entry).collect();
        if entries.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{\n{}\n    }}", entries.join(",\n"))
        }
    };
    format!(
        "{{\n    \"_meta\": {{\n        \"hash\": {{\"sha256\": \"00\"}},\n        \
         \"pipfile-spec\": 6,\n        \"requires\": {{\"python_version\": \"3.11\"}},\n        \
         \"sources\": [\n            {{\"name\": \"main\", \"url\": \"https://example.org/simple\", \
         \"verify_ssl\": true}}\n        ]\n    }},\n    \"default\": {},\n    \"develop\": {}\n}}\n",
        section("main"),
        section("dev")
    )
}

/// One file an entry: conda-lock knows one artifact for each platform.
pub(super) fn conda(made: &[Made], json: bool) -> String {
    let mut yaml = "# This lock file was generated by conda-lock.\nversion: 1\nmetadata:\n  \
                    content_hash:\n    linux-64: 00\n  channels:\n  - url: conda-forge\n    \
                    used_env_vars: []\n  platforms:\n  - linux-64\n  sources:\n  - environment.yml\n\
                    package:\n"
        .to_owned();
    let mut items = Vec::new();
    let conda = "- name: _libgcc_mutex\n  version: '0.1'\n  manager: conda\n  platform: linux-64\n  \
                 dependencies: {}\n  url: https://conda.example.org/x.conda\n  hash:\n    md5: 00\n  \
                 category: main\n  optional: false\n";
    yaml.push_str(conda);
    items.push("{\"name\": \"_libgcc_mutex\", \"manager\": \"conda\"}".to_owned());
    for one in made {
        let file = &one.files[0];
        let needs: Vec<&str> = {
            let mut needs: Vec<&str> = one.needs.iter().map(|&n| made[n].name.as_str()).collect();
            needs.sort_unstable();
            needs.dedup();
            needs
        };
        let lines: String = needs.iter().map(|name| format!("    {name}: '>=0.1'\n")).collect();
        let dependencies = if lines.is_empty() {
            "  dependencies: {}\n".to_owned()
        } else {
            format!("  dependencies:\n{lines}")
        };
        let digest = &file.digest["sha256:".len()..];
        let _ = write!(
            yaml,
            "- name: {}\n  version: {}\n  manager: pip\n  platform: linux-64\n{dependencies}  url: {}\n  \
             hash:\n    sha256: {digest}\n  category: {}\n  optional: false\n",
            one.name, one.version, file.url, one.group
        );
        let needs: Vec<String> =
            needs.iter().map(|name| format!("{}: \"\"", quoted(name))).collect();
        items.push(format!(
            "{{\"name\": {}, \"version\": {}, \"manager\": \"pip\", \"platform\": \"linux-64\", \
             \"dependencies\": {{{}}}, \"url\": {}, \"hash\": {{\"sha256\": {}}}, \"category\": {}}}",
            quoted(&one.name),
            quoted(&one.version),
            needs.join(", "),
            quoted(&file.url),
            quoted(digest),
            quoted(one.group)
        ));
    }
    if json {
        return format!(
            "{{\"version\": 1, \"metadata\": {{}}, \"package\": [\n{}\n]}}\n",
            items.join(",\n")
        );
    }
    yaml
}

pub(super) fn requirements(made: &[Made], draw: &mut Draw) -> String {
    let end = ["\n", "\r\n"][draw.below(2)];
    let mut text = format!("# made{end}--index-url https://example.org/simple{end}{end}");
    for one in made {
        let extra = one.extra.map(|extra| format!("[{extra}]")).unwrap_or_default();
        let marker = one.marker.filter(|marker| !marker.contains("extra"));
        let marker = marker.map(|marker| format!(" ; {marker}")).unwrap_or_default();
        let _ = write!(text, "{}{extra}=={}{marker}", one.name, one.version);
        for file in &one.files {
            let _ = write!(text, " \\{end}    --hash={}", file.digest);
        }
        let _ = write!(text, "{end}    # via something{end}");
    }
    text
}

pub(super) fn pylock(made: &[Made]) -> String {
    let mut text =
        "lock-version = \"1.0\"\ncreated-by = \"made\"\nrequires-python = \">=3.9\"\n".to_owned();
    for one in made {
        let _ = write!(
            text,
            "\n[[packages]]\nname = {}\nversion = {}\nindex = \"https://example.org/simple\"\n",
            quoted(&crate::name::normalize(&one.name)),
            quoted(&one.version)
        );
        if let Some(marker) = one.marker.filter(|marker| !marker.contains("extra")) {
            let _ = writeln!(text, "marker = {}", quoted(marker));
        }
        let need = |&number: &usize| {
            format!("{{name = {}}}", quoted(&crate::name::normalize(&made[number].name)))
        };
        let needs: Vec<String> = one.needs.iter().map(need).collect();
        let _ = writeln!(text, "dependencies = [{}]", needs.join(", "));
        let table = |file: &MadeFile| {
            format!(
                "{{name = {}, upload-time = 2024-01-02T03:04:05Z, url = {}, size = {}, \
                 hashes = {{sha256 = {}}}}}",
                quoted(&file.name),
                quoted(&file.url),
                file.size,
                quoted(&file.digest["sha256:".len()..])
            )
        };
        let (wheels, sdists): (Vec<&MadeFile>, Vec<&MadeFile>) =
            one.files.iter().partition(|file| file.name.ends_with(".whl"));
        if let Some(sdist) = sdists.first() {
            let _ = writeln!(text, "sdist = {}", table(sdist));
        }
        let wheels: Vec<String> = wheels.into_iter().map(table).collect();
        if !wheels.is_empty() {
            let _ = writeln!(text, "wheels = [{}]", wheels.join(", "));
        }
    }
    text
}
