//! The `gitlab` crate's client over the one HTTP client: calls, pages, failures.

use std::borrow::Cow;

use bytes::Bytes;
use gitlab::api::endpoint_prelude::{BodyError, Endpoint, QueryParams};
use gitlab::api::{ApiError, Query, RestClient, common, ignore};
use http::{Method, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::GitLab;
use crate::world::forge::{Answer, Place, Token};
use crate::world::http::{self as web, Body, Client, Failure, next_page};

impl RestClient for GitLab {
    type Error = Failure;

    fn rest_endpoint(&self, endpoint: &str) -> Result<Url, ApiError<Failure>> {
        Ok(self.api.join(endpoint)?)
    }
}

impl gitlab::api::Client for GitLab {
    fn rest(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, ApiError<Failure>> {
        let broken = |why: String| ApiError::client(Failure::unreadable(Method::GET, &self.api, why));
        let (parts, body) = request.body(body).map_err(|e| broken(e.to_string()))?.into_parts();
        let url = Url::parse(&parts.uri.to_string())?;
        let mut request = web::Request::new(parts.method, url);
        request.headers = parts.headers;
        if !body.is_empty() {
            request.body = Body::Bytes(body.into());
        }
        self.http.call(request).map_err(ApiError::client)
    }
}

/// An endpoint that the crate has none for, or not as it is needed here.
pub(super) struct Raw {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

impl Endpoint for Raw {
    fn method(&self) -> Method {
        self.method.clone()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        QueryParams::default()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let json = self.body.as_ref().map(serde_json::to_vec).transpose()?;
        Ok(json.map(|json| ("application/json", json)))
    }
}

impl GitLab {
    pub(in crate::world::forge) fn new(place: Place, api: Url, http: Client, token: Option<Token>) -> Self {
        GitLab { place, api, http, token }
    }

    pub(super) fn project(&self) -> &str {
        &self.place.repository
    }

    /// Whether an answer may only say that a job token is nobody there
    /// (<https://docs.gitlab.com/ci/jobs/ci_job_token/#job-token-access>).
    pub(super) fn unseen_by_job(&self, failure: &Failure) -> bool {
        matches!(self.token, Some(Token::Job(_))) && matches!(failure.status(), Some(401 | 403 | 404))
    }

    pub(super) fn raw(&self, method: Method, path: &str, body: Option<Value>) -> Raw {
        let path = format!("projects/{}{path}", common::path_escaped(self.project()));
        Raw { method, path, body }
    }

    /// A call that is not about the project.
    pub(super) fn anywhere(&self, method: Method, path: &str) -> Raw {
        Raw { method, path: path.trim_start_matches('/').to_owned(), body: None }
    }

    pub(super) fn failure(&self, method: Method, path: &str, error: ApiError<Failure>) -> Failure {
        match error {
            ApiError::Client { source } => source,
            other => {
                Failure::unreadable(method, &self.api.join(path).unwrap_or_else(|_| self.api.clone()), other)
            }
        }
    }

    /// Asks an endpoint. A builder's error would be a missing field: said as what it is.
    pub(super) fn ask<T: DeserializeOwned, E: Endpoint>(
        &self,
        endpoint: Result<E, impl std::fmt::Display>,
    ) -> Answer<T> {
        let endpoint = self.built(endpoint)?;
        endpoint.query(self).map_err(|e| self.failure(endpoint.method(), &endpoint.endpoint(), e))
    }

    /// The same, where nothing of the answer is needed.
    pub(super) fn tell<E: Endpoint>(&self, endpoint: Result<E, impl std::fmt::Display>) -> Answer<()> {
        let endpoint = self.built(endpoint)?;
        let (method, path) = (endpoint.method(), endpoint.endpoint());
        ignore(endpoint).query(self).map_err(|e| self.failure(method, &path, e))
    }

    pub(super) fn built<E>(&self, endpoint: Result<E, impl std::fmt::Display>) -> Answer<E> {
        endpoint.map_err(|e| Failure::unreadable(Method::GET, &self.api, e))
    }

    pub(super) fn address<E: Endpoint>(&self, endpoint: &E) -> Answer<Url> {
        let path = endpoint.endpoint();
        let mut url = self.rest_endpoint(&path).map_err(|e| self.failure(endpoint.method(), &path, e))?;
        endpoint.parameters().add_to_url(&mut url);
        Ok(url)
    }

    /// Pages of a list, until `enough` or `most` pages.
    pub(super) fn pages<T: DeserializeOwned, E: Endpoint>(
        &self,
        endpoint: Result<E, impl std::fmt::Display>,
        most: usize,
        enough: impl Fn(&[T]) -> bool,
    ) -> Answer<Vec<T>> {
        let endpoint = self.built(endpoint)?;
        let mut url = self.address(&endpoint)?;
        url.query_pairs_mut().append_pair("per_page", "100");
        let mut items: Vec<T> = Vec::new();
        for _ in 0..most {
            let response = self.http.call(web::Request::new(Method::GET, url.clone()))?;
            let page: Vec<T> = serde_json::from_slice(response.body())
                .map_err(|e| Failure::unreadable(Method::GET, &url, e))?;
            items.extend(page);
            match next_page(response.headers(), &url) {
                Some(next) if !enough(&items) => url = next,
                _ => break,
            }
        }
        Ok(items)
    }
}
