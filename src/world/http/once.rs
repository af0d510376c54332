//! One question to an address that the configuration names, asked once.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Client, Limits, Request};
use crate::error::{Error, Result};

/// Headers of a request, with the secrets among their values.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    map: HeaderMap,
    secrets: Vec<String>,
}

impl Headers {
    /// Adds a header; an error says what of it no header can be.
    pub fn add(&mut self, name: &str, value: &str, secret: Option<&str>) -> Result<()> {
        let bad =
            |what: &str| Error::usage(format!("the {what} of header `{name}` is none that can be sent"));
        let name = HeaderName::try_from(name).map_err(|_| bad("name"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| bad("value"))?;
        value.set_sensitive(secret.is_some());
        self.map.insert(name, value);
        self.secrets.extend(secret.filter(|s| !s.is_empty()).map(str::to_owned));
        Ok(())
    }

    /// A text without the secrets.
    fn without(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

/// What an address answers: the status, and the text or what the server says for it. An error when there is no answer. The
/// headers are sent to that server alone, and the secrets among them come back in no text.
pub fn fetch(url: Url, headers: &Headers, within: Duration) -> Result<(u16, String)> {
    let once = Limits { connect: within, idle: within, total: within, tries: 1, ..Limits::default() };
    let mut request = Request::new(Method::GET, url);
    request.headers = headers.map.clone();
    request.bound = !headers.map.is_empty();
    match Client::new(None, once)?.call(request) {
        Ok(answer) => {
            Ok((answer.status().as_u16(), headers.without(&String::from_utf8_lossy(answer.body()))))
        }
        Err(failure) => match failure.status() {
            Some(status) => Ok((status, headers.without(&failure.said))),
            None => Err(failure.into()),
        },
    }
}
