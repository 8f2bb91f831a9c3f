//! The job of a CI system: on a pull request what moved is judged, at other times everything, because
//! an index may change its mind about what is locked already.

use std::path::Path;

use countermark_client::report::Problem;

use super::plan::{Plan, is_there, read};
use super::yaml;
use crate::cli::init::CiSystem;

/// What it is for.
const WHAT: &str = "the CI job";

/// Plans the jobs of these systems, or of those that the project has.
pub(super) fn plan(
    plan: &mut Plan,
    systems: &[CiSystem],
    locks: &[String],
) -> Result<(), Vec<Problem>> {
    let mut systems = if systems.is_empty() { present() } else { systems.to_vec() };
    systems.sort();
    systems.dedup();
    let names: Vec<String> = locks.iter().map(|lock| quoted(lock)).collect();
    let names = names.join(" ");
    for system in systems {
        match system {
            CiSystem::Github => {
                plan.write(".github/workflows/countermark.yml", github(&names), WHAT)?;
            }
            CiSystem::Gitlab => gitlab(plan, &names)?,
            CiSystem::Zuul => zuul(plan, &names)?,
        }
    }
    Ok(())
}

/// The systems that the project uses.
fn present() -> Vec<CiSystem> {
    let is_folder = |path: &str| Path::new(path).is_dir();
    let zuul = ["zuul.yaml", ".zuul.yaml", "zuul.d", ".zuul.d"];
    let all = [
        (CiSystem::Github, is_folder(".github")),
        (CiSystem::Gitlab, is_there(".gitlab-ci.yml")),
        (CiSystem::Zuul, zuul.iter().any(|path| is_there(path))),
    ];
    all.into_iter().filter(|(_, present)| *present).map(|(system, _)| system).collect()
}

/// A word of a shell that a YAML text without quotes can hold.
fn quoted(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if path.bytes().all(is_plain) && !path.starts_with('-') {
        return path.to_owned();
    }
    format!("'./{}'", path.replace('\'', "'\\''"))
}

/// A text as YAML reads it, whatever is in it.
fn scalar(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn github(locks: &str) -> String {
    let moved = scalar(&format!("countermark gate {locks} --since \"$BASE\""));
    let all = scalar(&format!("countermark gate {locks}"));
    format!(
        "# Judges the locks before anything of them is installed.
name: countermark
on:
  pull_request:
  push:
  schedule:
    # What is locked may be withdrawn at any time.
    - cron: '17 4 * * *'
permissions:
  contents: read
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      # Pin actions by commit.
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
          persist-credentials: false
      # Put the program `countermark` on the path here.
      - name: What moved
        if: github.event_name == 'pull_request'
        env:
          BASE: ${{{{ github.event.pull_request.base.sha }}}}
        run: {moved}
      - name: Everything
        if: github.event_name != 'pull_request'
        run: {all}
"
    )
}

fn gitlab(plan: &mut Plan, locks: &str) -> Result<(), Vec<Problem>> {
    const FILE: &str = ".gitlab-ci.yml";
    const JOB: &str = ".gitlab/countermark.yml";
    let moved =
        scalar(&format!("countermark gate {locks} --since \"$CI_MERGE_REQUEST_DIFF_BASE_SHA\""));
    let all = scalar(&format!("countermark gate {locks}"));
    let jobs = format!(
        "# Judges the locks before anything of them is installed. The program `countermark` has to be in
# the image.
countermark-gate:
  stage: test
  variables:
    GIT_DEPTH: '0'
  rules:
    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"
  script:
    - {moved}

countermark-gate-all:
  stage: test
  rules:
    - if: $CI_PIPELINE_SOURCE != \"merge_request_event\"
  script:
    - {all}
"
    );
    let Some(text) = read(FILE)? else { return plan.write(FILE, jobs, WHAT) };
    if yaml::table(&text).is_some_and(|table| table.contains_key("countermark-gate")) {
        plan.keep(FILE, WHAT);
        return Ok(());
    }
    plan.write(JOB, jobs, WHAT)?;
    if text.contains(JOB) {
        plan.keep(FILE, WHAT);
        return Ok(());
    }
    let addition = format!("include:\n  - local: {JOB}\n");
    match yaml::with_key(&text, &addition) {
        Some(new) => plan.extend(FILE, new, &addition, WHAT),
        None => plan.tell(FILE, &addition, WHAT),
    }
    Ok(())
}

fn zuul(plan: &mut Plan, locks: &str) -> Result<(), Vec<Problem>> {
    const PLAYBOOK: &str = "playbooks/countermark-gate/run.yaml";
    const JOB: &str = "- job:
    name: countermark-gate
    description: Judges the locks before anything of them is installed.
    run: playbooks/countermark-gate/run.yaml
";
    const PROJECT: &str = "- project:
    check:
      jobs:
        - countermark-gate
";
    let command = scalar(&format!("countermark gate {locks}"));
    let playbook = format!(
        "# The program `countermark` has to be on the node.
- hosts: all
  tasks:
    - name: Judge the locks
      ansible.builtin.command:
        cmd: {command}
        chdir: '{{{{ zuul.project.src_dir }}}}'
"
    );
    plan.write(PLAYBOOK, playbook, WHAT)?;
    // Zuul reads the first of these that is there.
    for (place, is_folder) in
        [("zuul.yaml", false), ("zuul.d", true), (".zuul.yaml", false), (".zuul.d", true)]
    {
        if !is_there(place) {
            continue;
        }
        if is_folder {
            return plan.write(
                &format!("{place}/countermark.yaml"),
                format!("{JOB}{PROJECT}"),
                WHAT,
            );
        }
        let Some(text) = read(place)? else { continue };
        let addition = format!("{JOB}{PROJECT}");
        if text.contains("countermark-gate") {
            plan.keep(place, WHAT);
            return Ok(());
        }
        let with_job = yaml::with_item(&text, None, JOB.trim_end());
        match with_job.and_then(|text| yaml::with_item(&text, None, PROJECT.trim_end())) {
            Some(new) => plan.extend(place, new, &addition, WHAT),
            None => plan.tell(place, &addition, WHAT),
        }
        return Ok(());
    }
    plan.write(".zuul.yaml", format!("{JOB}{PROJECT}"), WHAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_of_a_shell() {
        for (path, expect) in [
            ("uv.lock", "uv.lock"),
            ("a/b-c.txt", "a/b-c.txt"),
            ("a b.txt", "'./a b.txt'"),
            ("-x", "'./-x'"),
            ("it's", "'./it'\\''s'"),
            ("$(x)", "'./$(x)'"),
        ] {
            assert_eq!(quoted(path), expect);
        }
    }

    #[test]
    fn jobs_are_yaml_whatever_the_paths_are() {
        for path in ["uv.lock", "a b's: #.txt", "${{ x }}", "{a}"] {
            let text = github(&quoted(path));
            let value = yaml::read(&text).expect("YAML");
            let run = &value["jobs"]["gate"]["steps"][2]["run"];
            assert_eq!(*run, format!("countermark gate {}", quoted(path)), "{text}");
        }
    }
}
