//! A webhook as chats have them, which keeps what it is told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use serde_json::Value;

/// Debug builds on busy machines take their time.
const PATIENCE: Duration = Duration::from_secs(60);

/// The part of the address that nobody may see.
const SECRET: &str = "Zq7-marked-webhook-Xw9";

pub(crate) struct Hook {
    /// Its address, a secret.
    pub url: String,
    told: Arc<Mutex<Vec<Value>>>,
    answer: Arc<AtomicU16>,
}

impl Hook {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/services/{SECRET}", listener.local_addr().unwrap());
        let (told, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU16::new(200)));
        let (kept, said) = (told.clone(), answer.clone());
        let take = move |body: Bytes| async move {
            kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            StatusCode::from_u16(said.load(Ordering::Relaxed)).unwrap()
        };
        let router = Router::new().route(&format!("/services/{SECRET}"), post(take));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, told, answer }
    }

    /// What it answers from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.answer.store(status, Ordering::Relaxed);
    }

    /// Waits until it was told so much, or more.
    pub(crate) async fn wait(&self, count: usize) {
        let end = Instant::now() + PATIENCE;
        while self.told.lock().unwrap().len() < count {
            assert!(Instant::now() < end, "{count} are not told: {:#?}", self.told.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The texts it was told since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        told.iter().map(|body| body["text"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn secret(&self) -> &'static str {
        SECRET
    }
}
