//! What connectors declare that their writes take, against what they take.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use rosterd::{
    budget::Quota,
    connectors::{Write, http::witness::Sent},
    execute::{self, CreatedIds, Demand, Jitter, Journal, Performed, Quiet, Stop, Tools, Unwritten},
    model::{Action, AppPlan, Observed},
    sandbox::Config,
};

use crate::in_process::{Company, Unwatched};

/// Each action with the requests that it took, or that those it went together with took.
#[derive(Default)]
struct Counted(Mutex<Vec<(Action, Vec<Sent>)>>);

#[async_trait]
impl Journal for Counted {
    async fn begin(&self, _: &[(&Action, &Write)]) -> Result<(), Unwritten> {
        Ok(())
    }

    async fn end(&self, action: &Action, _: &Performed, sent: &[Sent]) -> Result<(), Unwritten> {
        self.0.lock().unwrap().push((action.clone(), sent.to_vec()));
        Ok(())
    }
}

/// What is read once in a run, whoever needs it first: it belongs to no action.
fn is_shared(sent: &Sent) -> bool {
    ["/token", "/roles", "/ServiceProviderConfig"].iter().any(|end| sent.path.ends_with(end))
}

#[tokio::test(start_paused = true)]
async fn what_the_actions_of_the_example_take_is_what_their_connectors_declare() {
    let company = Company::new(Config { accept_after: Duration::MAX, ..Config::default() }, Duration::from_millis(20));
    let reconciler = company.reconciler(company.example());
    let plan = reconciler.plan(&reconciler.observe(&Unwatched).await, company.sandbox.now());
    let (mut actions, mut different) = (0, Vec::new());
    for (desired, writer) in reconciler.writers() {
        let app = plan.apps.iter().find(|app| app.app == desired.name).unwrap();
        let counted = Counted::default();
        let tools = Tools {
            writer: writer.as_ref().unwrap().clone(),
            created_ids: &CreatedIds::default(),
            quota: Quota::default(),
            journal: &counted,
            jitter: &Jitter::seeded(7),
            demand: Demand::unchanging(),
        };
        execute::execute(app, &tools, Stop::never(), &Quiet).await;
        for (action, sent) in counted.0.into_inner().unwrap() {
            actions += 1;
            let sent: Vec<_> = sent.iter().filter(|sent| !is_shared(sent)).map(Sent::line).collect();
            let alone = AppPlan {
                observed: Observed::default(),
                actions: vec![Action { after: Vec::new(), ..action.clone() }],
                ..app.clone()
            };
            let declared = execute::forecast(&alone, &desired.semantics, &Quota::default()).requests;
            if declared != sent.len() as u64 {
                different.push(format!("{}: {declared} declared, sent {sent:#?}", action.name));
            }
        }
    }
    assert!(actions > 60, "{actions}");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
