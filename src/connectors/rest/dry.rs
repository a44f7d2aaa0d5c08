//! What every write of a manifest would send, for a made-up person, without sending it: the engine runs as always, over a
//! transport that writes down what it is given.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use super::{
    RestConnector,
    dictionary::Translation,
    manifest::{ACCOUNT, Call, Manifest, Names, Naming, Records},
    wire::{Role, Roles},
};
use crate::{
    budget::{Budget, Lane, Quota},
    connectors::{
        Connector as _, Error, Joiner, Looked, OverHttp as _, Write, Writer as _,
        connector::below,
        http::{
            Gate, HttpClient, HttpConfig, Method, Scheme,
            transport::{Transport, WireAnswer, WireFailure, WireRequest},
        },
    },
    model::{ADDRESS, AccountStatus, Email, FieldName, FieldValue, Options, Values, Verb},
};

const EMAIL: &str = "jo.doe@example.com";
const ACCOUNT_ID: &str = "u-1";
const GROUP_ID: &str = "g-1";
const GROUP_NAME: &str = "Design";
const HOST: &str = "http://localhost";

/// A write, and what it would send.
#[derive(Debug)]
pub struct DryWrite {
    /// What it does.
    pub verb: Verb,
    /// Method, path and body of each request that changes something.
    pub requests: Vec<(String, Option<Value>)>,
    /// Why it could not be sent to the end, if it could not.
    pub failure: Option<Error>,
}

impl Manifest {
    /// Every write that the manifest has a call for, with what it would send.
    ///
    /// # Errors
    /// When no client can be made of the manifest.
    pub async fn dry_run(&self) -> Result<Vec<DryWrite>, Error> {
        let options = self.made_up_options();
        let setup = |detail: String| Error::setup(&*self.semantics.connector, detail, None);
        let semantics = self.semantics(&options).map_err(|error| setup(error.to_string()))?;
        let root = Url::parse(HOST).map_err(|error| setup(error.to_string()))?;
        let path = self.base.as_ref().and_then(|base| base.text(&self.options.bindings(&options)));
        let base = path.map_or_else(|| root.clone(), |path| below(&root, &path));
        let recorder = Arc::new(Recorder::default());
        let config = HttpConfig::new(&*semantics.connector, base.clone(), Scheme::Fixed(None));
        let http = HttpClient::over(recorder.clone(), config, Gate::new(Budget::new(&Quota::default())));
        let managed = Looked { accounts: &semantics.fields, members: &semantics.members.fields };
        let app = RestConnector::new(self.clone(), semantics.clone(), http, options, managed);
        recorder.lock().answers = self.answers(&app, &base)?;
        let mut all = Vec::new();
        for (verb, write) in self.made_up_writes() {
            let failure = app.write(&write, Lane::Removal).await.err();
            all.push(recorder.took(verb, failure));
        }
        let of = &self.groups.records;
        if let Some(update) = &of.update {
            let name = Value::from(GROUP_NAME);
            let values = made_up(&app.declared().groups.fields, &Naming::new(), None);
            let placed = Translation::default().placed(&of.fields, &values).unwrap_or_default();
            let changes: Vec<_> = placed.into_iter().chain([(of.name.clone(), name)]).collect();
            let failure = app.change(of, update, GROUP_ID, &changes, None, Lane::Removal).await.err();
            all.push(recorder.took(Verb::UpdateGroup, failure));
        }
        Ok(all)
    }

    /// Options that have no default are called as they are.
    fn made_up_options(&self) -> Options {
        let needed = self
            .options
            .declared
            .iter()
            .filter(|(name, choice)| choice.default.is_none() && self.options.plain.contains(&***name));
        needed.map(|(name, _)| (name.clone(), Value::from(&**name))).collect()
    }

    fn made_up_writes(&self) -> Vec<(Verb, Write)> {
        let Self { semantics, accounts, groups, members, .. } = self;
        let email = || Email::lenient(EMAIL);
        let all = made_up(&semantics.fields, &accounts.records.naming, accounts.role.as_ref());
        let changeable = all.clone().into_iter().filter(|(field, _)| !semantics.fixed.contains(field)).collect();
        let address = (!semantics.fixed.contains(ADDRESS)).then(email);
        let joined = made_up(&semantics.members.fields, &members.naming, members.role.as_ref());
        let of_group = made_up(&semantics.groups.fields, &Naming::new(), None);
        let (account, group, name): (Arc<str>, Arc<str>, Arc<str>) =
            (ACCOUNT_ID.into(), GROUP_ID.into(), GROUP_NAME.into());
        let who = Joiner::known(account.clone(), email());
        let id = || account.clone();
        let in_group = || group.clone();
        let writes = [
            (accounts.records.create.is_some(), Verb::Create, Write::CreateAccount { email: email(), values: all }),
            (
                accounts.records.update.is_some(),
                Verb::Update,
                Write::UpdateAccount { id: id(), values: changeable, email: address },
            ),
            (accounts.deactivate.is_some(), Verb::Deactivate, Write::Deactivate { id: id() }),
            (accounts.reactivate.is_some(), Verb::Reactivate, Write::Reactivate { id: id() }),
            (accounts.records.delete.is_some(), Verb::Delete, Write::DeleteAccount { id: id() }),
            (
                members.add.is_some(),
                Verb::AddMember,
                Write::AddMember { group: in_group(), who, values: joined.clone() },
            ),
            (
                members.change.is_some(),
                Verb::ChangeMember,
                Write::ChangeMember { group: in_group(), account: id(), values: joined },
            ),
            (members.remove.is_some(), Verb::RemoveMember, Write::RemoveMember { group: in_group(), account: id() }),
            (groups.records.create.is_some(), Verb::CreateGroup, Write::CreateGroup { name, values: of_group }),
            (groups.records.delete.is_some(), Verb::DeleteGroup, Write::DeleteGroup { id: in_group() }),
        ];
        writes.into_iter().filter(|(has, ..)| *has).map(|(_, verb, write)| (verb, write)).collect()
    }

    /// What reads are answered, by their paths: the made-up account and group, and lookups that know every name.
    fn answers(&self, app: &RestConnector, base: &Url) -> Result<BTreeMap<String, Value>, Error> {
        let path = |call: &Call, id: &[(&'static str, &str)]| {
            let request = app.request(call, &app.bindings(id))?;
            Ok::<_, Error>(below(base, &request.path).path().to_owned())
        };
        let mut answers = BTreeMap::new();
        let Self { accounts, groups, members, .. } = self;
        for (of, id, name) in [(&accounts.records, ACCOUNT_ID, EMAIL), (&groups.records, GROUP_ID, GROUP_NAME)] {
            if let Some(read) = &of.read {
                answers.insert(path(read, &[(of.kind.id, id)])?, self.record(of, id, name));
            }
        }
        let words = [(&accounts.records.naming, accounts.role.as_ref()), (&members.naming, members.role.as_ref())];
        for (name, lookup) in &self.lookups {
            let mut rows: Vec<Value> = Vec::new();
            for (naming, role) in words {
                let looked =
                    naming.iter().filter(|(_, names)| matches!(names, Names::Lookup(known) if known == &**name));
                let fields: BTreeSet<FieldName> = looked.map(|(field, _)| field.clone()).collect();
                for word in made_up(&fields, naming, role).values().flat_map(FieldValue::texts) {
                    let mut row = json!({});
                    lookup.name.set(&mut row, Value::from(&**word));
                    lookup.id.set(&mut row, Value::from(format!("id-of-{word}")));
                    if !rows.contains(&row) {
                        rows.push(row);
                    }
                }
            }
            let mut answer = json!({});
            lookup.list.items.set(&mut answer, rows.into());
            answers.insert(path(&lookup.list.call, &[])?, answer);
        }
        Ok(answers)
    }

    fn record(&self, of: &Records, id: &str, name: &str) -> Value {
        let mut row = json!({});
        of.id.set(&mut row, id.into());
        of.name.set(&mut row, name.into());
        if let (true, Some(status)) = (of.kind.id == ACCOUNT.id, &self.accounts.status) {
            status.set(&mut row, self.accounts.status_word(&AccountStatus::Active).cloned().unwrap_or(Value::Null));
        }
        match &of.wrap.answer {
            Some(key) => json!({ key: row }),
            None => row,
        }
    }
}

/// Values of a made-up person.
fn made_up(fields: &BTreeSet<FieldName>, naming: &Naming, role: Option<&Role>) -> Values {
    let first_role = || {
        let listed = role.into_iter().flat_map(|role| [&role.ranked, &role.values]).flatten();
        let mut listed = listed.filter_map(|list| match &list.value {
            Roles::These(all) => all.first().cloned(),
            Roles::Option(_) => None,
        });
        listed.next().unwrap_or_else(|| "member".into())
    };
    let word = |field: &FieldName| -> Arc<str> {
        match (&**field, naming.get(field)) {
            (_, Some(Names::Fixed(names))) => names.keys().next().cloned().unwrap_or_default(),
            ("given_name", _) => "Jo".into(),
            ("family_name", _) => "Doe".into(),
            ("role" | "roles", _) => first_role(),
            _ => field.clone(),
        }
    };
    let value = |field: &FieldName| match &**field {
        "roles" => FieldValue::Set([word(field)].into()),
        _ => FieldValue::Text(word(field)),
    };
    fields.iter().map(|field| (field.clone(), value(field))).collect()
}

/// Sends nothing, and writes down what would change something.
#[derive(Debug, Default)]
struct Recorder(Mutex<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    answers: BTreeMap<String, Value>,
    sent: Vec<(String, Option<Value>)>,
}

impl Recorder {
    fn lock(&self) -> std::sync::MutexGuard<'_, Recorded> {
        // What is in it is whole entries, which a panic elsewhere cannot leave half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was sent since the last time.
    fn took(&self, verb: Verb, failure: Option<Error>) -> DryWrite {
        DryWrite { verb, requests: std::mem::take(&mut self.lock().sent), failure }
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: WireRequest) -> Result<WireAnswer, WireFailure> {
        let mut recorded = self.lock();
        let path = request.url.path();
        let body = recorded.answers.get(path).cloned().unwrap_or_else(|| json!({}));
        if request.method != Method::Get {
            let sent = request.body.and_then(|body| serde_json::from_str(body.expose_secret()).ok());
            recorded.sent.push((format!("{} {path}", request.method.as_str()), sent));
        }
        Ok(WireAnswer { status: 200, headers: Vec::new(), body: Ok(body.to_string().into_bytes()) })
    }
}
