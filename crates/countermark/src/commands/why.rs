//! `why`: every chain from what somebody asked for to a package.

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_lock::tree::{Chains, Graph};
use countermark_trust::Class;
use serde::Serialize;

use super::Outcome;
use super::tree::{Opened, Release, find, json, open, release, tells_nothing};
use crate::cli::OutputArgs;
use crate::cli::tree::{TreeFormat, WhyArgs};
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(crate) fn run(arguments: &WhyArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let Opened { document, graph } = open(arguments.lock.as_deref())?;
    let project =
        find(&graph, &document.file, &arguments.name).map_err(|problem| vec![*problem])?;
    if !graph.tells()
        && graph.releases(&project).iter().all(|node| graph.nodes()[*node].wanted_by.is_empty())
    {
        let message = tells_nothing(&document).replace(", so this is a list", "");
        let hint = "`countermark lock` writes it, as comments of a requirements file";
        return Err(vec![
            Problem::new("no-dependencies", Class::Unavailable, message).with_hint(hint),
        ]);
    }
    let chains = graph.why(&project, arguments.limit);
    if arguments.format == TreeFormat::Json {
        output::print(&json(&Why::new(project.as_str(), &graph, &chains)));
        return Ok(0);
    }
    for chain in &chains.chains {
        output::print(&output::visible(&shown(&graph, chain)));
    }
    if chains.is_cut {
        let message = format!(
            "there are more chains than these {}; `--limit` shows more",
            chains.chains.len()
        );
        teller.note(Note::new("more-chains", message));
    }
    Ok(0)
}

/// `requirements.in → flask 3.0 → click 8.1`.
fn shown(graph: &Graph, chain: &[usize]) -> String {
    let wanted_by = chain.first().map(|node| graph.nodes()[*node].wanted_by.join(", "));
    let wanted_by = wanted_by.filter(|labels| !labels.is_empty());
    let titles = chain.iter().map(|node| graph.title(*node));
    wanted_by.into_iter().chain(titles).collect::<Vec<_>>().join(" → ")
}

/// `--format json`, version 1.
#[derive(Serialize)]
struct Why<'a> {
    format: u32,
    name: &'a str,
    is_cut: bool,
    chains: Vec<WhyChain<'a>>,
}

#[derive(Serialize)]
struct WhyChain<'a> {
    wanted_by: &'a [String],
    releases: Vec<Release<'a>>,
}

impl<'a> Why<'a> {
    fn new(name: &'a str, graph: &'a Graph, chains: &Chains) -> Self {
        let chain = |chain: &Vec<usize>| WhyChain {
            wanted_by: chain.first().map_or(&[], |node| &graph.nodes()[*node].wanted_by),
            releases: chain.iter().map(|node| release(graph, *node)).collect(),
        };
        let is_cut = chains.is_cut;
        Self { format: 1, name, is_cut, chains: chains.chains.iter().map(chain).collect() }
    }
}
