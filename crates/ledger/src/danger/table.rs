//! What names of Python's library, and of packages that everybody has, can do.
//!
//! A list of abilities and not of malware: what is here is looked at earlier, nothing more.

use super::{Kind, Severity};

/// Functions of the language itself.
pub(super) const BUILTINS: [(&str, Kind, Severity); 6] = [
    ("eval", Kind::Execute, Severity::Look),
    ("exec", Kind::Execute, Severity::Look),
    ("compile", Kind::Execute, Severity::Look),
    ("execfile", Kind::Execute, Severity::Look),
    ("__import__", Kind::Dynamic, Severity::Note),
    ("__builtins__", Kind::Dynamic, Severity::Note),
];

/// Modules all of whose functions do the same kind of thing.
const MODULES: [(&str, Kind, Severity); 62] = [
    ("subprocess", Kind::Process, Severity::Look),
    ("pty", Kind::Process, Severity::Look),
    ("commands", Kind::Process, Severity::Look),
    ("popen2", Kind::Process, Severity::Look),
    ("pexpect", Kind::Process, Severity::Look),
    ("runpy", Kind::Execute, Severity::Look),
    ("codeop", Kind::Execute, Severity::Look),
    ("marshal", Kind::Deserialise, Severity::Look),
    ("ctypes", Kind::Foreign, Severity::Look),
    ("_ctypes", Kind::Foreign, Severity::Look),
    ("cffi", Kind::Foreign, Severity::Look),
    ("winreg", Kind::Secrets, Severity::Look),
    ("_winreg", Kind::Secrets, Severity::Look),
    ("keyring", Kind::Secrets, Severity::Look),
    ("browser_cookie3", Kind::Secrets, Severity::Look),
    ("win32crypt", Kind::Secrets, Severity::Look),
    ("pynput", Kind::Secrets, Severity::Look),
    ("socket", Kind::Network, Severity::Look),
    ("_socket", Kind::Network, Severity::Look),
    ("socketserver", Kind::Network, Severity::Look),
    ("urllib.request", Kind::Network, Severity::Look),
    ("urllib2", Kind::Network, Severity::Look),
    ("urllib3", Kind::Network, Severity::Look),
    ("http.client", Kind::Network, Severity::Look),
    ("http.server", Kind::Network, Severity::Look),
    ("httplib", Kind::Network, Severity::Look),
    ("httplib2", Kind::Network, Severity::Look),
    ("requests", Kind::Network, Severity::Look),
    ("httpx", Kind::Network, Severity::Look),
    ("aiohttp", Kind::Network, Severity::Look),
    ("ftplib", Kind::Network, Severity::Look),
    ("smtplib", Kind::Network, Severity::Look),
    ("telnetlib", Kind::Network, Severity::Look),
    ("poplib", Kind::Network, Severity::Look),
    ("imaplib", Kind::Network, Severity::Look),
    ("nntplib", Kind::Network, Severity::Look),
    ("xmlrpc.client", Kind::Network, Severity::Look),
    ("xmlrpc.server", Kind::Network, Severity::Look),
    ("websocket", Kind::Network, Severity::Look),
    ("websockets", Kind::Network, Severity::Look),
    ("paramiko", Kind::Network, Severity::Look),
    ("pycurl", Kind::Network, Severity::Look),
    ("dns.resolver", Kind::Network, Severity::Look),
    ("webbrowser", Kind::Network, Severity::Look),
    ("zipimport", Kind::Dynamic, Severity::Look),
    ("imp", Kind::Dynamic, Severity::Look),
    ("setuptools.command", Kind::Install, Severity::Look),
    ("distutils.command", Kind::Install, Severity::Look),
    ("ensurepip", Kind::Process, Severity::Look),
    ("dill", Kind::Deserialise, Severity::Look),
    ("cloudpickle", Kind::Deserialise, Severity::Look),
    ("atexit", Kind::Dynamic, Severity::Note),
    ("gc", Kind::Dynamic, Severity::Note),
    ("base64", Kind::Decode, Severity::Note),
    ("binascii", Kind::Decode, Severity::Note),
    ("zlib", Kind::Decode, Severity::Note),
    ("bz2", Kind::Decode, Severity::Note),
    ("lzma", Kind::Decode, Severity::Note),
    ("gzip", Kind::Decode, Severity::Note),
    ("builtins", Kind::Dynamic, Severity::Note),
    ("__builtin__", Kind::Dynamic, Severity::Note),
    ("importlib", Kind::Dynamic, Severity::Note),
];

/// Single functions.
const FUNCTIONS: [(&str, Kind, Severity); 66] = [
    ("os.system", Kind::Process, Severity::Look),
    ("pip.main", Kind::Process, Severity::Look),
    ("pip._internal.main", Kind::Process, Severity::Look),
    ("pip._internal.cli.main.main", Kind::Process, Severity::Look),
    ("os.popen", Kind::Process, Severity::Look),
    ("os.startfile", Kind::Process, Severity::Look),
    ("os.fork", Kind::Process, Severity::Look),
    ("os.forkpty", Kind::Process, Severity::Look),
    ("asyncio.create_subprocess_exec", Kind::Process, Severity::Look),
    ("asyncio.create_subprocess_shell", Kind::Process, Severity::Look),
    ("asyncio.subprocess", Kind::Process, Severity::Look),
    ("code.interact", Kind::Execute, Severity::Look),
    ("code.InteractiveInterpreter", Kind::Execute, Severity::Look),
    ("code.InteractiveConsole", Kind::Execute, Severity::Look),
    ("types.CodeType", Kind::Execute, Severity::Look),
    ("types.FunctionType", Kind::Execute, Severity::Look),
    ("pickle.load", Kind::Deserialise, Severity::Look),
    ("pickle.loads", Kind::Deserialise, Severity::Look),
    ("pickle.Unpickler", Kind::Deserialise, Severity::Look),
    ("_pickle.load", Kind::Deserialise, Severity::Look),
    ("_pickle.loads", Kind::Deserialise, Severity::Look),
    ("_pickle.Unpickler", Kind::Deserialise, Severity::Look),
    ("cPickle.load", Kind::Deserialise, Severity::Look),
    ("cPickle.loads", Kind::Deserialise, Severity::Look),
    ("shelve.open", Kind::Deserialise, Severity::Look),
    ("joblib.load", Kind::Deserialise, Severity::Look),
    ("torch.load", Kind::Deserialise, Severity::Look),
    ("pandas.read_pickle", Kind::Deserialise, Severity::Look),
    ("yaml.load", Kind::Deserialise, Severity::Look),
    ("yaml.load_all", Kind::Deserialise, Severity::Look),
    ("yaml.unsafe_load", Kind::Deserialise, Severity::Look),
    ("yaml.full_load", Kind::Deserialise, Severity::Look),
    ("jsonpickle.decode", Kind::Deserialise, Severity::Look),
    ("urllib.urlopen", Kind::Network, Severity::Look),
    ("urllib.urlretrieve", Kind::Network, Severity::Look),
    ("asyncio.open_connection", Kind::Network, Severity::Look),
    ("asyncio.start_server", Kind::Network, Severity::Look),
    ("importlib.util.spec_from_file_location", Kind::Dynamic, Severity::Look),
    ("importlib.machinery.SourceFileLoader", Kind::Dynamic, Severity::Look),
    ("importlib.machinery.ExtensionFileLoader", Kind::Dynamic, Severity::Look),
    ("sys.modules", Kind::Dynamic, Severity::Note),
    ("sys.meta_path", Kind::Dynamic, Severity::Look),
    ("sys.path_hooks", Kind::Dynamic, Severity::Look),
    ("sys.settrace", Kind::Dynamic, Severity::Look),
    ("sys.setprofile", Kind::Dynamic, Severity::Look),
    ("sys.addaudithook", Kind::Dynamic, Severity::Look),
    ("sys._getframe", Kind::Dynamic, Severity::Note),
    ("site.addsitedir", Kind::Startup, Severity::Look),
    ("site.getsitepackages", Kind::Startup, Severity::Note),
    ("site.getusersitepackages", Kind::Startup, Severity::Note),
    ("codecs.decode", Kind::Decode, Severity::Note),
    ("bytes.fromhex", Kind::Decode, Severity::Note),
    ("bytearray.fromhex", Kind::Decode, Severity::Note),
    ("codecs.register", Kind::Dynamic, Severity::Look),
    ("setuptools.Command", Kind::Install, Severity::Look),
    ("distutils.cmd.Command", Kind::Install, Severity::Look),
    ("pwd.getpwall", Kind::Secrets, Severity::Look),
    ("shutil.rmtree", Kind::Files, Severity::Note),
    ("os.chmod", Kind::Files, Severity::Note),
    ("os.chown", Kind::Files, Severity::Note),
    ("os.symlink", Kind::Files, Severity::Note),
    ("os.memfd_create", Kind::Files, Severity::Look),
    ("os.setuid", Kind::Process, Severity::Look),
    ("os.kill", Kind::Process, Severity::Note),
    ("getpass.getpass", Kind::Secrets, Severity::Note),
    ("multiprocessing.Process", Kind::Process, Severity::Note),
];

/// Families of functions by how their names begin.
const FAMILIES: [(&str, Kind, Severity); 6] = [
    ("os.exec", Kind::Process, Severity::Look),
    ("os.spawn", Kind::Process, Severity::Look),
    ("os.posix_spawn", Kind::Process, Severity::Look),
    ("posix.", Kind::Process, Severity::Look),
    ("nt.", Kind::Process, Severity::Look),
    ("_posixsubprocess.", Kind::Process, Severity::Look),
];

/// Attributes that lead into the inside of the interpreter, of whatever object.
pub(super) const INSIDE: [&str; 9] = [
    "__subclasses__",
    "__globals__",
    "__getattribute__",
    "__builtins__",
    "__code__",
    "__loader__",
    "f_globals",
    "f_builtins",
    "gi_frame",
];

/// Modules in which a name that is said with a string is worth a look.
pub(super) const RISKY: [&str; 10] = [
    "os",
    "sys",
    "subprocess",
    "builtins",
    "__builtins__",
    "__builtin__",
    "importlib",
    "ctypes",
    "socket",
    "posix",
];

/// What a dotted name can do.
pub(super) fn ability(path: &str) -> Option<(Kind, Severity)> {
    let path = path
        .strip_prefix("builtins.")
        .or_else(|| path.strip_prefix("__builtin__."))
        .unwrap_or(path);
    let path = path.strip_prefix("__builtins__.").unwrap_or(path);
    let exact = |entry: &&(&str, Kind, Severity)| {
        path.strip_prefix(entry.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if let Some(&(_, kind, severity)) = BUILTINS.iter().find(|entry| entry.0 == path) {
        return Some((kind, severity));
    }
    if let Some(&(_, kind, severity)) = FUNCTIONS.iter().find(exact) {
        return Some((kind, severity));
    }
    if let Some(&(_, kind, severity)) = FAMILIES.iter().find(|entry| path.starts_with(entry.0)) {
        return Some((kind, severity));
    }
    let &(module, kind, severity) = MODULES.iter().find(exact)?;
    let rest = path[module.len()..].strip_prefix('.').unwrap_or_default();
    if is_harmless(rest) {
        return None;
    }
    // Of modules that also pack, only unpacking is meant.
    if kind == Kind::Decode
        && !rest.is_empty()
        && !["dec", "unhex", "a2b", "open", "Decomp", "GzipFile"]
            .iter()
            .any(|word| rest.contains(word))
    {
        return None;
    }
    Some((kind, severity))
}

/// Constants, errors and types of a module: they are looked at with what uses them.
fn is_harmless(rest: &str) -> bool {
    let last = rest.rsplit('.').next().unwrap_or_default();
    let first = rest.split('.').next().unwrap_or_default();
    let is_constant = !last.is_empty()
        && last.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        // `ctypes.CDLL` and its kind are written like constants.
        && !last.ends_with("DLL")
        && !last.contains("FUNCTYPE");
    is_constant
        || ["Error", "Exception", "Warning", "Expired"].iter().any(|end| last.ends_with(end))
        || matches!(first, "exceptions" | "error" | "timeout" | "herror" | "gaierror")
        || rest.starts_with("c_")
        || matches!(
            rest,
            "CompletedProcess"
                | "Structure"
                | "Union"
                | "POINTER"
                | "metadata"
                | "resources"
                | "reload"
        )
}

/// Names that `from module import *` brings.
pub(super) fn members(module: &str) -> impl Iterator<Item = &'static str> {
    let of_module = move |path: &'static str| {
        let name = path.strip_prefix(module)?.strip_prefix('.')?;
        (!name.contains('.')).then_some(name)
    };
    let usual: &[&str] = match module {
        "subprocess" => {
            &["run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput"]
        }
        "os" => &[
            "execv",
            "execve",
            "execl",
            "execvp",
            "spawnl",
            "spawnv",
            "posix_spawn",
            "environ",
            "getenv",
        ],
        "socket" => &["socket", "create_connection", "getaddrinfo", "gethostbyname"],
        "ctypes" => &[
            "CDLL",
            "cdll",
            "windll",
            "WinDLL",
            "PyDLL",
            "pythonapi",
            "cast",
            "memmove",
            "string_at",
        ],
        "marshal" => &["load", "loads"],
        "base64" => &["b64decode", "b32decode", "b16decode", "b85decode", "a85decode"],
        "urllib.request" => &["urlopen", "urlretrieve", "Request"],
        "requests" | "httpx" => &["get", "post", "put", "request", "Session"],
        _ => &[],
    };
    FUNCTIONS.iter().filter_map(move |entry| of_module(entry.0)).chain(usual.iter().copied())
}
