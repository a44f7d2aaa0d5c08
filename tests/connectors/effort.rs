//! What connectors declare that a write takes, against what it takes.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use async_trait::async_trait;
use rosterd::{
    budget::Quota,
    connectors::{Write, http::witness::Sent},
    execute::{self, Jitter, Journal, Made, Performed, Quiet, Stop, Tools, Unwritten},
    model::{Action, AppPlan, Observed, Verb},
    sandbox::Config,
};

use crate::in_process::{Company, Unwatched};

/// What each action took, with the lines of its requests.
#[derive(Default)]
struct Counted(Mutex<Vec<(Action, Vec<String>)>>);

#[async_trait]
impl Journal for Counted {
    async fn begin(&self, _: &[(&Action, &Write)]) -> Result<(), Unwritten> {
        Ok(())
    }

    async fn end(&self, action: &Action, _: &Performed, sent: &[Sent]) -> Result<(), Unwritten> {
        self.0.lock().unwrap().push((action.clone(), sent.iter().map(Sent::line).collect()));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn measure() {
    let config = Config { accept_after: Duration::MAX, ..Config::default() };
    let company = Company::new(config, Duration::from_millis(20));
    let reconciler = company.reconciler(company.example());
    let live = reconciler.observe(&Unwatched).await;
    let plan = reconciler.plan(&live, company.sandbox.now());
    for app in &plan.apps {
        let desired = &reconciler.desired().apps[&app.app];
        let counted = Counted::default();
        let tools = Tools {
            writer: company.connect(desired).unwrap(),
            made: &Made::default(),
            quota: Quota::default(),
            journal: &counted,
            jitter: &Jitter::seeded(7),
        };
        execute::execute(app, &tools, Stop::never(), &Quiet).await;
        for (action, sent) in counted.0.into_inner().unwrap() {
            let alone = AppPlan {
                observed: Observed::default(),
                actions: vec![Action { after: Vec::new(), ..action.clone() }],
                ..app.clone()
            };
            let expected = execute::forecast(&alone, &desired.semantics, &Quota::default()).requests;
            println!("{} {expected} {} {sent:?}", action.name, sent.len());
        }
    }
    let _: BTreeMap<Verb, ()> = BTreeMap::new();
}
