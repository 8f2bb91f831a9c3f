use crate::system::unix::fs::symlink;

use super::*;

const LIMIT: u64 = 1024;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("records/b.yaml", "b");
    write("records/a.yaml", "a");
    write("records/deep/er/c.yaml", "c");
    write("records/notes.txt", "");
    write("records/deep/.git/config.yaml", "no");
    write("secret.yaml", "secret");
    folder
}

fn text(documents: &FolderDocuments, path: &str) -> Result<Option<String>, String> {
    let bytes = documents.read(path, LIMIT).map_err(|error| error.to_string())?;
    let opened = documents.open(path, LIMIT).unwrap().map(|mut reader| {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    let read = bytes.map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(read, opened);
    Ok(read)
}

#[test]
fn files_are_listed_and_read() {
    let folder = folder();
    let documents = FolderDocuments::new(&folder.path().join("records"), None);
    let list = |below: &str, ending: &str| documents.list(below, ending).unwrap();
    assert_eq!(list("", ".yaml"), ["a.yaml", "b.yaml", "deep/er/c.yaml"]);
    assert_eq!(list("deep", ""), ["deep/er/c.yaml"]);
    assert_eq!(list("deep/", ".txt"), [""; 0]);
    assert_eq!(list("nowhere", ""), [""; 0]);
    assert_eq!(list("a.yaml", ""), [""; 0]);
    assert_eq!(text(&documents, "deep/er/c.yaml"), Ok(Some("c".into())));
    assert_eq!(text(&documents, "deep"), Ok(None));
    assert_eq!(text(&documents, "nowhere"), Ok(None));
    assert_eq!(text(&documents, "a.yaml/x"), Ok(None));
    assert!(documents.tags().unwrap().is_none() && documents.head().unwrap().is_none());
    assert!(documents.history("").unwrap().is_none());
}

#[test]
fn a_folder_that_is_not_there_is_not_empty() {
    let folder = folder();
    let at = |path: &str| FolderDocuments::new(&folder.path().join(path), None);
    let error = at("nowhere").list("", "").unwrap_err().to_string();
    assert!(error.ends_with("/nowhere: there is no such file or folder"), "{error}");
    assert!(at("nowhere").read("a", LIMIT).is_err());
}

#[test]
fn nothing_leads_out_of_the_folder() {
    let folder = folder();
    let root = folder.path().join("records");
    symlink("../secret.yaml", root.join("out.yaml")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink("deep/er/c.yaml", root.join("in.yaml")).unwrap();
    symlink("deep", root.join("loop")).unwrap();
    symlink("gone", root.join("dangling.yaml")).unwrap();
    let documents = FolderDocuments::new(&root, None);
    // A link to a file is listed wherever it leads, so that nobody misses it in silence.
    let expect = ["a.yaml", "b.yaml", "dangling.yaml", "deep/er/c.yaml", "in.yaml", "out.yaml"];
    assert_eq!(documents.list("", ".yaml").unwrap(), expect);
    assert_eq!(text(&documents, "in.yaml"), Ok(Some("c".into())));
    assert_eq!(text(&documents, "dangling.yaml"), Ok(None));
    for path in ["out.yaml", "up/secret.yaml"] {
        let error = text(&documents, path).unwrap_err();
        assert!(error.ends_with(": the link leads out of the folder"), "{error}");
    }
    for path in ["../secret.yaml", "deep/../../secret.yaml", "/etc/hostname", "a\0b"] {
        let error = text(&documents, path).unwrap_err();
        assert!(error.ends_with(": the path leads out of it"), "{path}: {error}");
    }
    assert!(documents.list("..", "").is_err());
    assert!(FolderDocuments::new(&root.join("up"), None).list("", "").is_ok());
}

#[test]
fn reading_has_a_limit() {
    let folder = folder();
    std::fs::write(folder.path().join("big"), vec![b'x'; 1025]).unwrap();
    std::fs::write(folder.path().join("fits"), vec![b'x'; 1024]).unwrap();
    let documents = FolderDocuments::new(folder.path(), None);
    assert_eq!(text(&documents, "fits").unwrap().unwrap().len(), 1024);
    let error = text(&documents, "big").unwrap_err();
    assert!(error.ends_with("/big has more than 1024 bytes"), "{error}");
    let mut bounded = Bounded { inner: &b"12345"[..], left: 4 };
    let error = bounded.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
}

#[test]
fn a_pipe_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let documents = FolderDocuments::new(folder.path(), None);
    let error = documents.read("pipe", LIMIT).unwrap_err().to_string();
    assert!(error.ends_with("/pipe: it is no regular file"), "{error}");
}

#[test]
fn one_file_with_its_signatures() {
    let folder = folder();
    let write = |name: &str| std::fs::write(folder.path().join(name), name).unwrap();
    ["SHA256SUMS", "SHA256SUMS.asc", "SHA256SUMS.txt"].into_iter().for_each(write);
    let documents = FolderDocuments::new(&folder.path().join("SHA256SUMS"), None);
    assert_eq!(documents.list("", "").unwrap(), ["SHA256SUMS"]);
    assert_eq!(documents.list("", ".csv").unwrap(), [""; 0]);
    assert_eq!(text(&documents, "SHA256SUMS"), Ok(Some("SHA256SUMS".into())));
    assert_eq!(text(&documents, "SHA256SUMS.asc"), Ok(Some("SHA256SUMS.asc".into())));
    assert_eq!(text(&documents, "SHA256SUMS.txt"), Ok(None));
    assert_eq!(text(&documents, "secret.yaml"), Ok(None));
    assert!(documents.root().ends_with("/SHA256SUMS"));
    assert!(documents.clones().unwrap().is_empty());
}

#[test]
fn clones_are_found_one_and_two_folders_deep() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["lamp/.git", "tower/bell/.git", "tower/bell/inner/.git", "a/b/c/.git", "plain/x"] {
        std::fs::create_dir_all(folder.path().join(path)).unwrap();
    }
    let documents = FolderDocuments::new(folder.path(), None);
    let clones = documents.clones().unwrap();
    let paths: Vec<&str> = clones.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["lamp", "tower/bell"]);
}

#[test]
fn what_was_derived_is_remembered() {
    let folder = folder();
    let cache = folder.path().join("cache");
    let derived = BTreeMap::from([([7; 32], b"seven".to_vec())]);
    let documents = FolderDocuments::new(folder.path(), Some(&cache));
    documents.remember("form", &derived);
    assert_eq!(documents.remembered("form"), derived);
    assert_eq!(FolderDocuments::new(folder.path(), None).remembered("form"), BTreeMap::new());
}
