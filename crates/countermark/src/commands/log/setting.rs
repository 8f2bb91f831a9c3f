//! What the commands that ask a log need: the policy, the network, the private folder.

use std::path::PathBuf;

use countermark_client::log::{LogClient, Question};
use countermark_client::report::Problem;
use countermark_trust::Class;
use countermark_trust::policy::Policy;
use jiff::Timestamp;

use crate::cli::log_client::{LogNetworkArgs, LogPolicyArgs};
use crate::cli::{OutputArgs, StoreArgs};
use crate::commands::lock::policy;
use crate::progress::Teller;
use crate::session::{self, Session};
use crate::setup;

/// A log that is configured.
pub(super) struct Setting {
    pub(super) teller: Teller,
    pub(super) session: Session,
    pub(super) policy: Policy,
    pub(super) state: PathBuf,
    evidence: Option<PathBuf>,
    now: Timestamp,
}

impl Setting {
    pub(super) fn open(
        log: &LogPolicyArgs,
        network: &LogNetworkArgs,
        output: &OutputArgs,
    ) -> Result<Self, Vec<Problem>> {
        let teller = Teller::new(output);
        let policy = configured(log.policy.as_deref())?;
        let session = session::open("log", &network.index_arguments(), &[], None)?;
        session::tell(&session.settings, &teller);
        let store = StoreArgs { state_dir: log.state_dir.clone(), ..StoreArgs::default() };
        let state = setup::folders(&store)?.state;
        let evidence = log.evidence.clone();
        Ok(Self { teller, session, policy, state, evidence, now: Timestamp::now() })
    }

    pub(super) fn client(&self) -> LogClient<'_> {
        LogClient {
            http: &self.session.http,
            policy: &self.policy,
            state: &self.state,
            evidence: self.evidence.as_deref(),
            now: self.now,
        }
    }

    /// Names that the policy calls private stay here, also when somebody asks for them.
    pub(super) fn refuse_private(&self, question: &Question) -> Result<(), Vec<Problem>> {
        let releases = question.releases.iter().map(|release| &release.project);
        let names = releases.chain(&question.projects);
        let is_private = |name: &&_| !self.policy.log().may_ask(name, true);
        let problem = |name: &_| {
            let message = format!("`{name}` is private: the policy says that its name stays here");
            Problem::new("private-name", Class::Usage, message)
        };
        let problems: Vec<Problem> = names.filter(is_private).map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// The policy, which has to name a log.
pub(super) fn configured(given: Option<&std::path::Path>) -> Result<Policy, Vec<Problem>> {
    let policy = policy::find(given, &setup::working_folder()?)?;
    if policy.log().origin().is_some() && policy.log().url.is_some() {
        return Ok(policy);
    }
    let hint = "`countermark log use URL` shows the key of a log, and with `--key` writes it into the \
                policy";
    let problem = Problem::new("no-log", Class::Usage, "no log is configured");
    Err(vec![problem.with_hint(hint)])
}
